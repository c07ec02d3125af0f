#include "cpp/kernels/recurrent.h"

#include "cpp/core/arena.h"
#include "cpp/core/parallel.h"
#include "cpp/kernels/recurrent_cells.h"
#include "cpp/kernels/recurrent_panels.h"

// A few sequences are taken through all of their steps by one task, so there is no barrier between steps, and the
// weights, packed once, stay in the second-level cache. The rows of a step are those of the sequences for which it
// counts, one below the other: neither padding nor masked steps cost a product. Backwards, the rows of several steps
// are collected until they are worth a product, and the gradients of the weights are summed while rows are still in the
// cache, in a buffer for each chunk of the batch; these are added in order.

namespace lw::LIKEWISE_LEVEL {
namespace {

// ---------------------------------------------------------------------------------------------------------------------
// Sequences

// How many go together: enough for a packed panel to be used several times, few enough for several tasks.
i64 rows_together(i64 batch) {
  const i64 quarter = ceil_div(batch, 4);
  return quarter < 4 ? 4 : at_most(quarter, 16);
}

// Those of one task.
struct Block {
  const RecurrentShape& shape;
  i64 rows;
  i64 sequence[most_rows];
  i64 row[most_rows];    // of x, its first
  i64 steps[most_rows];  // that it has
  i64 end[most_rows];    // that may count
  i64 first[most_rows];  // that does count, or `end` if none does
  i64 longest;
  i64 count, active[most_rows];  // set by activate

  Block(const RecurrentShape& s, i64 begin, i64 size) : shape(s), rows(size), longest(0), count(0) {
    for (i64 i = 0; i < rows; ++i) {
      sequence[i] = s.order == nullptr ? begin + i : s.order[begin + i];
      row[i] = s.offsets == nullptr ? sequence[i] * s.steps : s.offsets[sequence[i]];
      steps[i] = s.offsets == nullptr ? s.steps : s.offsets[sequence[i] + 1] - row[i];
      end[i] = s.lengths == nullptr ? steps[i] : s.lengths[sequence[i]];
      first[i] = 0;
      while (first[i] < end[i] && !counts(i, first[i])) ++first[i];
      longest = longest < steps[i] ? steps[i] : longest;
    }
  }
  bool counts(i64 i, i64 t) const { return t < end[i] && (shape.mask == nullptr || shape.mask[row[i] + t]); }
  void activate(i64 t) {
    count = 0;
    for (i64 i = 0; i < rows; ++i)
      if (counts(i, t)) active[count++] = i;
  }
  // Has some step before t counted? Then the output at t is there to be repeated.
  bool begun(i64 i, i64 t) const { return first[i] < end[i] && first[i] < t; }
  i64 step_before(i64 i, i64 t) const {  // that counts, or -1
    do --t;
    while (t >= 0 && !counts(i, t));
    return t;
  }
  // Where sequence i has step t in an array of so many floats a step, or null for none.
  template <typename Float>
  Float* at(Float* array, i64 stride, i64 floats, i64 i, i64 t) const {
    if (array == nullptr) return nullptr;
    return array + (shape.offsets == nullptr ? sequence[i] * stride : row[i] * floats) + t * floats;
  }
};

void scale_by(const float* factors, i64 count, float* x) {
  for_lanes(count, [&](i64 j, auto lanes) { lanes.store(x + j, lanes.load(x + j) * lanes.load(factors + j)); });
}
void load_state(const float* from, i64 sequence, i64 hidden, float* to) {
  from == nullptr ? fill_zero(to, hidden) : copy(from + sequence * hidden, hidden, to);
}

double step_ns(const RecurrentShape& s) {
  return 0.015 * static_cast<double>((s.inputs + s.hidden) * gates_of(s.cell) * s.hidden);
}

// ---------------------------------------------------------------------------------------------------------------------
// Forward

void forward_block(const RecurrentForward& k, const GateProducts& products, Cell cell, Block& block) {
  const RecurrentShape& s = k.shape;
  const i64 inputs = s.inputs, hidden = s.hidden, kept = kept_of(s.cell) * hidden;
  const bool has_cell = s.cell == RecurrentCell::lstm;
  Scratch scratch;
  float* h = scratch.floats(block.rows * hidden);
  float* c = scratch.floats(block.rows * hidden);
  for (i64 i = 0; i < block.rows; ++i) {
    load_state(k.state, block.sequence[i], hidden, h + i * hidden);
    if (has_cell) load_state(k.cell_state, block.sequence[i], hidden, c + i * hidden);
  }
  const i64 lda = row_stride(inputs + hidden);
  Ahead ahead;
  ForwardStep step = {products, {s.activation, s.gate_activation}, hidden, 0,
                      {},       scratch.floats(block.rows * lda),  lda,    scratch.floats(block.rows * products.sums),
                      &ahead};
  for (i64 t = 0; t < block.longest; ++t) {
    block.activate(t);
    step.count = block.count;
    ahead.clear();
    for (i64 place = 0; place < block.count; ++place) {
      const i64 i = block.active[place];
      if (k.state_scale != nullptr) scale_by(k.state_scale + block.sequence[i] * hidden, hidden, h + i * hidden);
      copy(k.x + (block.row[i] + t) * inputs, inputs, step.a + place * lda);
      copy(h + i * hidden, hidden, step.a + place * lda + inputs);
      step.sequence[place] = {h + i * hidden, c + i * hidden, block.at(k.y, k.y_stride, hidden, i, t),
                              k.kept == nullptr ? nullptr : k.kept + (block.row[i] + t) * kept};
      if (t + 1 >= block.steps[i]) continue;
      ahead.add(k.x + (block.row[i] + t + 1) * inputs, inputs);
      ahead.add(block.at(k.y, k.y_stride, hidden, i, t + 1), hidden);
      if (k.kept != nullptr) ahead.add(k.kept + (block.row[i] + t + 1) * kept, kept);
    }
    ahead.spread_over(products.sums / panel_lanes);
    if (block.count > 0) cell.forward(step);
    if (k.y == nullptr || block.count == block.rows) continue;
    for (i64 i = 0; i < block.rows; ++i) {
      if (t >= block.steps[i] || block.counts(i, t)) continue;
      float* y = block.at(k.y, k.y_stride, hidden, i, t);
      block.begun(i, t) ? copy(h + i * hidden, hidden, y) : fill_zero(y, hidden);
    }
  }
  for (i64 i = 0; i < block.rows; ++i) {
    const i64 at = block.sequence[i] * k.last_stride;
    if (k.last != nullptr) copy(h + i * hidden, hidden, k.last + at);
    if (k.last_cell != nullptr) copy(c + i * hidden, hidden, k.last_cell + at);
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Backward

// Where the parts of a row of d, the gradients of the sums of gates, lie; in gates.
struct Parts {
  i64 width;                    // of the row
  i64 of_x[4], of_h[4];         // for every gate of W and of U, its place in the row
  i64 x_begin, h_begin, h_end;  // those that meet x (as many as there are gates), and those that meet h as it is
};
Parts parts_of(RecurrentCell cell) {
  switch (cell) {
    case RecurrentCell::simple: return {1, {0}, {0}, 0, 0, 1};
    case RecurrentCell::gru: return {4, {1, 2, 0}, {1, 2, 3}, 0, 1, 4};
    case RecurrentCell::gru_reset_first: return {3, {0, 1, 2}, {0, 1, 2}, 0, 0, 2};
    case RecurrentCell::lstm: return {4, {0, 1, 2, 3}, {0, 1, 2, 3}, 0, 0, 4};
  }
  return {};
}

struct BackwardWeights {
  Parts parts;
  Panels inputs, recurrent, candidate;  // W^T and U^T
};

BackwardWeights backward_weights(const RecurrentBackward& k, Scratch& scratch) {
  const RecurrentForward& forward = k.forward;
  const RecurrentShape& s = forward.shape;
  const i64 gates = gates_of(s.cell), stride = gates * s.hidden;
  BackwardWeights w = {parts_of(s.cell), {}, {}, {}};
  i64 gate_at[4] = {};
  for (i64 gate = 0; gate < gates; ++gate) gate_at[w.parts.of_x[gate]] = gate;
  if (k.dx != nullptr) w.inputs = turned_panels(forward.kernel, stride, s.hidden, gate_at, gates, s.inputs, scratch);
  const i64 in_order[4] = {0, 1, 2, 3};
  w.recurrent =
      turned_panels(forward.recurrent, stride, s.hidden, in_order, w.parts.h_end - w.parts.h_begin, s.hidden, scratch);
  if (s.cell == RecurrentCell::gru_reset_first)
    w.candidate = turned_panels(forward.recurrent, stride, s.hidden, in_order + 2, 1, s.hidden, scratch);
  return w;
}

// Gradients of the weights from one chunk of the batch.
struct WeightGradients {
  float* of_x;  // [inputs, x_columns]
  float* of_h;  // [hidden, h_columns]
  float* bias;  // [width * hidden]
  i64 x_columns, h_columns;
};

// Rows of several steps, and what becomes of them.
class CollectedRows {
 public:
  CollectedRows(const RecurrentBackward& k, const BackwardWeights& w, WeightGradients* gradients, Scratch& scratch)
      : k_(k), w_(w), gradients_(gradients) {
    const RecurrentShape& s = k.forward.shape;
    const bool resets_first = s.cell == RecurrentCell::gru_reset_first;
    lda = row_stride(s.inputs + (resets_first ? 2 : 1) * s.hidden);
    ldd = row_stride(w.parts.width * s.hidden + panel_lanes);
    a = scratch.floats(most * lda);
    d = scratch.floats(most * ldd);
    fill_zero(d, most * ldd);  // what panels read behind the columns must be numbers
    dx_ = k.dx == nullptr ? nullptr : scratch.floats(most * padded(s.inputs));
  }

  i64 count = 0, lda, ldd;
  float *a, *d;  // [x h] or [x h (r h)], and d

  bool has_space(i64 rows) const { return count + rows <= most; }
  void add(i64 row_of_x) { row_[count++] = row_of_x; }

  void flush() {
    const RecurrentShape& s = k_.forward.shape;
    const i64 inputs = s.inputs, hidden = s.hidden;
    if (count > 0 && gradients_ != nullptr) {
      const WeightGradients& g = *gradients_;
      const Parts& p = w_.parts;
      multiply_transposed(count, a, lda, inputs, d, ldd, gates_of(s.cell) * hidden, g.of_x, g.x_columns);
      multiply_transposed(count, a + inputs, lda, hidden, d + p.h_begin * hidden, ldd, (p.h_end - p.h_begin) * hidden,
                          g.of_h, g.h_columns);
      if (s.cell == RecurrentCell::gru_reset_first)
        multiply_transposed(count, a + inputs + hidden, lda, hidden, d + 2 * hidden, ldd, hidden,
                            g.of_h + padded(2 * hidden), g.h_columns);
      for_lanes(p.width * hidden, [&](i64 j, auto lanes) {
        Vec sum = lanes.load(g.bias + j);
        for (i64 i = 0; i < count; ++i) sum += lanes.load(d + i * ldd + j);
        lanes.store(g.bias + j, sum);
      });
    }
    if (dx_ != nullptr) {
      multiply(w_.inputs, count, d, ldd, dx_, padded(inputs), false);
      for (i64 i = 0; i < count; ++i) copy(dx_ + i * padded(inputs), inputs, k_.dx + row_[i] * inputs);
    }
    count = 0;
  }

 private:
  static constexpr i64 most = 96;
  const RecurrentBackward& k_;
  const BackwardWeights& w_;
  WeightGradients* gradients_;
  float* dx_;
  i64 row_[most];
};

void backward_block(const RecurrentBackward& k, const BackwardWeights& w, Cell cell, Block& block,
                    CollectedRows& collected) {
  const RecurrentForward& forward = k.forward;
  const RecurrentShape& s = forward.shape;
  const i64 inputs = s.inputs, hidden = s.hidden, kept = kept_of(s.cell) * hidden;
  const bool has_cell = s.cell == RecurrentCell::lstm;
  Scratch scratch;
  float* dh = scratch.floats(block.rows * hidden);
  float* dc = scratch.floats(block.rows * hidden);
  float* zeros = scratch.floats(hidden);
  fill_zero(zeros, hidden);
  for (i64 i = 0; i < block.rows; ++i) {
    const i64 at = block.sequence[i] * k.dlast_stride;
    k.dlast == nullptr ? fill_zero(dh + i * hidden, hidden) : copy(k.dlast + at, hidden, dh + i * hidden);
    k.dlast_cell == nullptr ? fill_zero(dc + i * hidden, hidden) : copy(k.dlast_cell + at, hidden, dc + i * hidden);
  }
  const i64 ldt = padded(hidden);
  Ahead ahead;
  BackwardStep step = {{s.activation, s.gate_activation}, hidden, 0,      {},          nullptr,    collected.ldd,
                       scratch.floats(block.rows * ldt),  ldt,    &ahead, w.recurrent, w.candidate};
  for (i64 t = block.longest - 1; t >= 0; --t) {
    block.activate(t);
    for (i64 i = 0; i < block.rows && block.count < block.rows; ++i) {
      if (t >= block.steps[i] || block.counts(i, t)) continue;
      if (k.dx != nullptr) fill_zero(k.dx + (block.row[i] + t) * inputs, inputs);
      if (k.dy == nullptr || !block.begun(i, t)) continue;
      const float* dy = block.at(k.dy, k.dy_stride, hidden, i, t);
      for_lanes(hidden, [&](i64 j, auto lanes) {
        lanes.store(dh + i * hidden + j, lanes.load(dh + i * hidden + j) + lanes.load(dy + j));
      });
    }
    if (block.count == 0) continue;
    if (!collected.has_space(block.count)) collected.flush();
    step.count = block.count;
    step.d = collected.d + collected.count * collected.ldd;
    ahead.clear();
    for (i64 place = 0; place < block.count; ++place) {
      const i64 i = block.active[place], before = block.step_before(i, t), row = block.row[i] + t;
      const float* initial = forward.state == nullptr ? zeros : forward.state + block.sequence[i] * hidden;
      const float* initial_cell =
          forward.cell_state == nullptr ? nullptr : forward.cell_state + block.sequence[i] * hidden;
      float* a = collected.a + collected.count * collected.lda;
      auto& one = step.sequence[place];
      one.y = block.at(forward.y, forward.y_stride, hidden, i, t);
      one.kept = forward.kept + row * kept;
      one.h_before = before < 0 ? initial : block.at(forward.y, forward.y_stride, hidden, i, before);
      one.c_before = !has_cell    ? nullptr
                     : before < 0 ? initial_cell
                                  : forward.kept + (block.row[i] + before) * kept + 4 * hidden;
      one.dy = block.at(k.dy, k.dy_stride, hidden, i, t);
      one.dh = dh + i * hidden;
      one.dc = dc + i * hidden;
      one.d = step.d + place * collected.ldd;
      one.reset_before = a + inputs + hidden;
      copy(forward.x + row * inputs, inputs, a);
      copy(one.h_before, hidden, a + inputs);
      if (forward.state_scale != nullptr) {
        scale_by(forward.state_scale + block.sequence[i] * hidden, hidden, a + inputs);
        one.h_before = a + inputs;
      }
      collected.add(row);
      if (t == 0) continue;
      ahead.add(forward.x + (row - 1) * inputs, inputs);
      ahead.add(block.at(k.dy, k.dy_stride, hidden, i, t - 1), hidden);
      if (t > 1) ahead.add(block.at(forward.y, forward.y_stride, hidden, i, t - 2), hidden);
      ahead.add(forward.kept + (row - 1) * kept, kept);
    }
    ahead.spread_over(ldt / panel_lanes);
    cell.backward(step);
    for (i64 place = 0; place < block.count; ++place) {
      float* dh_before = step.sequence[place].dh;
      copy(step.through + place * ldt, hidden, dh_before);
      if (forward.state_scale == nullptr) continue;
      scale_by(forward.state_scale + block.sequence[block.active[place]] * hidden, hidden, dh_before);
    }
  }
  for (i64 i = 0; i < block.rows; ++i) {
    const i64 at = block.sequence[i] * hidden;
    if (k.dstate != nullptr) copy(dh + i * hidden, hidden, k.dstate + at);
    if (k.dcell_state != nullptr) copy(dc + i * hidden, hidden, k.dcell_state + at);
  }
}

// to [rows, gates * hidden] = the sum over chunks of from [rows, columns], whose gates lie at `places`.
void add_chunks(const float* from, i64 chunks, i64 chunk_stride, i64 rows, i64 columns, const i64* places, i64 gates,
                i64 hidden, float* to) {
  if (to == nullptr) return;
  parallel_for(rows, rows_for(0.1 * static_cast<double>(chunks * gates * hidden)), [&](i64 begin, i64 end) {
    for (i64 row = begin; row < end; ++row)
      for (i64 gate = 0; gate < gates; ++gate) {
        const float* first = from + row * columns + places[gate];
        for_lanes(hidden, [&](i64 j, auto lanes) {
          Vec sum = lanes.load(first + j);
          for (i64 chunk = 1; chunk < chunks; ++chunk) sum += lanes.load(first + chunk * chunk_stride + j);
          lanes.store(to + (row * gates + gate) * hidden + j, sum);
        });
      }
  });
}

}  // namespace

void recurrent_forward(const RecurrentForward& k) {
  const RecurrentShape& s = k.shape;
  const i64 together = rows_together(s.batch), blocks = ceil_div(s.batch, together);
  Scratch scratch;
  // Few rows pass quicker over weights where they lie: a copy has to be made first.
  const GateProducts products = gate_products(k, s.batch >= 4 && s.batch * s.steps >= 64, scratch);
  const double block_ns = step_ns(s) * static_cast<double>(together * s.steps);
  const Cell cell = cell_of(s);
  parallel_for(
      blocks, rows_for(block_ns),
      [&](i64 begin, i64 end) {
        for (i64 b = begin; b < end; ++b) {
          Block block(s, b * together, at_most(together, s.batch - b * together));
          forward_block(k, products, cell, block);
        }
      },
      static_cast<i64>(block_ns) * rows_for(block_ns));
}

void recurrent_backward(const RecurrentBackward& k) {
  constexpr i64 most_chunks = 16, rows_worth_sums = 64;
  const RecurrentShape& s = k.forward.shape;
  const i64 hidden = s.hidden, gates = gates_of(s.cell);
  const i64 together = rows_together(s.batch), blocks = ceil_div(s.batch, together);
  // Each chunk has sums as large as the weights: it should have rows enough to be worth them.
  const i64 worth = at_most(s.batch * s.steps / rows_worth_sums, most_chunks), wanted = worth < 2 ? 2 : worth;
  const i64 chunks = at_most(blocks < 1 ? 1 : blocks, wanted);
  Scratch scratch;
  const BackwardWeights w = backward_weights(k, scratch);
  const Parts& p = w.parts;
  const bool resets_first = s.cell == RecurrentCell::gru_reset_first;
  const i64 x_columns = padded(gates * hidden);
  const i64 h_columns = padded((p.h_end - p.h_begin) * hidden) + (resets_first ? padded(hidden) : 0);
  const i64 of_x = s.inputs * x_columns, of_h = hidden * h_columns, size = of_x + of_h + padded(p.width * hidden);
  const bool wants_weights =
      k.dkernel != nullptr || k.drecurrent != nullptr || k.dbias != nullptr || k.drecurrent_bias != nullptr;
  float* sums = wants_weights ? scratch.floats(chunks * size) : nullptr;
  const double chunk_ns = 2 * step_ns(s) * static_cast<double>(s.batch * s.steps) / static_cast<double>(chunks);
  const Cell cell = cell_of(s);
  parallel_for(
      chunks, 1,
      [&](i64 begin, i64 end) {
        for (i64 chunk = begin; chunk < end; ++chunk) {
          Scratch own;
          WeightGradients gradients = {};
          if (wants_weights) {
            float* first = sums + chunk * size;
            fill_zero(first, size);
            gradients = {first, first + of_x, first + of_x + of_h, x_columns, h_columns};
          }
          CollectedRows collected(k, w, wants_weights ? &gradients : nullptr, own);
          for (i64 b = blocks * chunk / chunks; b < blocks * (chunk + 1) / chunks; ++b) {
            Block block(s, b * together, at_most(together, s.batch - b * together));
            backward_block(k, w, cell, block, collected);
          }
          collected.flush();
        }
      },
      static_cast<i64>(chunk_ns));
  if (!wants_weights) return;
  i64 in_x[4], in_h[4], in_bias_x[4], in_bias_h[4];
  for (i64 gate = 0; gate < gates; ++gate) {
    in_x[gate] = in_bias_x[gate] = p.of_x[gate] * hidden;
    in_bias_h[gate] = p.of_h[gate] * hidden;
    in_h[gate] = (p.of_h[gate] - p.h_begin) * hidden;
    if (resets_first && gate == 2) in_h[gate] = padded(2 * hidden);
  }
  add_chunks(sums, chunks, size, s.inputs, x_columns, in_x, gates, hidden, k.dkernel);
  add_chunks(sums + of_x, chunks, size, hidden, h_columns, in_h, gates, hidden, k.drecurrent);
  add_chunks(sums + of_x + of_h, chunks, size, 1, 0, in_bias_x, gates, hidden, k.dbias);
  add_chunks(sums + of_x + of_h, chunks, size, 1, 0, in_bias_h, gates, hidden, k.drecurrent_bias);
}

}  // namespace lw::LIKEWISE_LEVEL
