// Work is split by rows or by items, whichever side's gradient can be given one slot for each part; parts depend on
// sizes only, and slots are added in order.
#include "cpp/kernels/softmax_loss_block.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

double nanoseconds_for(const Problem& p, i64 rows, i64 items, double products) {
  return 0.02 * products * static_cast<double>(rows * items) * static_cast<double>(p.width) + 1000.0;
}

// dtable_v = sum over slots; the last 16 floats of a slot's row, if any, are the lanes of dbias.
void add_slots(const Problem& p, const float* slots, i64 parts, i64 stride) {
  const SoftmaxLoss& k = p.k;
  const i64 slot = k.items * stride;
  parallel_for(k.items, rows_for(0.1 * static_cast<double>(stride * parts)), [&](i64 begin, i64 end) {
    for (i64 v = begin; v < end; ++v) {
      const float* from = slots + v * stride;
      if (k.dtable)
        for_lanes(k.dim, [&](i64 j, auto lanes) {
          Vec total = Vec::load(from + j);
          for (i64 part = 1; part < parts; ++part) total += Vec::load(from + part * slot + j);
          lanes.store(k.dtable + v * k.dim + j, total);
        });
      if (k.dbias) {
        Vec total = Vec::load(from + stride - vector_lanes);
        for (i64 part = 1; part < parts; ++part) total += Vec::load(from + part * slot + stride - vector_lanes);
        k.dbias[v] = sum(total);
      }
    }
  });
}

// One block of rows, loss and gradients, into one slot.
void block_with_gradients(const Problem& p, const Block& rows, float* e, float* dstates, float* scaled, float* slot,
                          i64 stride, bool first_of_slot) {
  const SoftmaxLoss& k = p.k;
  RunningSum running;
  alignas(64) float factor[block];
  for (i64 i = 0; i < block * p.width; ++i) dstates[i] = 0.f;
  for (i64 item = 0; item < k.items; item += p.tile) {
    const i64 items = least(p.tile, k.items - item);
    float* tile = e + item * block;
    score_tile(p, rows.states, item, items, tile);
    add_bias(k, tile, item, items);
    note_targets(p, rows, tile, item, items, running);
    if (raise_shift(tile, items, running, factor) && item > 0) {
      multiply_rows_by(e, item, factor);
      for (i64 i = 0; i < block * p.width; ++i) dstates[i] *= factor[i / p.width];
    }
    exponentiate(tile, items, running.shift, running.sum);
    if (k.dstates) add_to_states(p, tile, item, items, dstates);
  }
  finish_block(p, rows, running);

  // g_vr = c_r / sum_r (e_vr - [v = t_r] sum_r)
  for (i64 r = 0; r < block; ++r) factor[r] = r < rows.count ? k.coefficients[rows.first + r] / running.sum[r] : 0.f;
  if (k.dstates)
    for (i64 r = 0; r < rows.count; ++r) {
      const float* target = p.table + k.targets[rows.first + r] * p.width;
      float* to = k.dstates + k.state_of[rows.first + r] * k.dim;
      for_lanes(k.dim, [&](i64 j, auto lanes) {
        const Vec total = fma(Vec(-running.sum[r]), Vec::load(target + j), Vec::load(dstates + r * p.width + j));
        lanes.store(to + j, Vec(factor[r]) * total);
      });
    }
  if (!slot) return;
  for (i64 r = 0; r < rows.count; ++r) e[k.targets[rows.first + r] * block + r] -= running.sum[r];
  scale_states(p, rows, factor, scaled);
  for (i64 item = 0; item < k.items; item += p.tile) {
    const i64 items = least(p.tile, k.items - item);
    float* to = slot + item * stride;
    if (k.dtable) add_to_table(p, e + item * block, scaled, items, to, stride, !first_of_slot);
    if (k.dbias) add_to_bias(e + item * block, factor, items, to + stride - vector_lanes, stride, !first_of_slot);
  }
}

// The sums of a group of blocks over one range of items.
constexpr i64 blocks_of_group = 4, rows_of_group = blocks_of_group * block;

void sum_range(const Problem& p, i64 first, i64 item, i64 range, RunningSum* found) {
  Scratch local;
  float* scores = local.floats(p.tile * block);
  alignas(64) float factor[block];
  Block rows[blocks_of_group];
  const i64 blocks = least(blocks_of_group, parts_of(p.k.rows - first, block));
  for (i64 b = 0; b < blocks; ++b) {
    rows[b].states = local.floats(p.k.dim * block);
    load_block(p, rows[b], first + b * block, p.k.rows);
    found[b] = RunningSum();
  }
  for (const i64 end = least(p.k.items, item + range); item < end; item += p.tile) {
    const i64 items = least(p.tile, end - item);
    for (i64 b = 0; b < blocks; ++b) {
      score_tile(p, rows[b].states, item, items, scores);
      add_bias(p.k, scores, item, items);
      note_targets(p, rows[b], scores, item, items, found[b]);
      raise_shift(scores, items, found[b], factor);
      exponentiate(scores, items, found[b].shift, found[b].sum);
    }
  }
}

void join(RunningSum& total, const RunningSum& part) {
  const PerRow a = PerRow::load(total.shift), b = PerRow::load(part.shift), shift = max(a, b);
  (PerRow::load(total.sum) * exp(a - shift) + PerRow::load(part.sum) * exp(b - shift)).store(total.sum);
  (PerRow::load(total.target_score) + PerRow::load(part.target_score)).store(total.target_score);
  shift.store(total.shift);
}

// All rows as blocks, made once for all ranges of items.
struct States {
  const float* transposed;  // [blocks, dim, 32]
  const float* scaled;      // [blocks, 32, width], times coefficients
  const float* shift;       // [blocks, 32] log_sum_exp
  const float* factor;      // [blocks, 32] coefficients
};

States load_states(const Problem& p, i64 blocks, Scratch& scratch) {
  const i64 dim = p.k.dim, width = p.width;
  float* transposed = scratch.floats(blocks * dim * block);
  float* scaled = scratch.floats(blocks * block * width);
  float* shift = scratch.floats(blocks * block);
  float* factor = scratch.floats(blocks * block);
  parallel_for(blocks, rows_for(0.5 * static_cast<double>(block * dim)), [&](i64 begin, i64 end) {
    for (i64 b = begin; b < end; ++b) {
      Block rows{0, 0, transposed + b * dim * block};
      load_block(p, rows, b * block, p.k.rows);
      for (i64 r = 0; r < block; ++r) {
        const bool used = r < rows.count;
        shift[b * block + r] = used ? p.k.log_sum_exp[b * block + r] : 0.f;
        factor[b * block + r] = used ? p.k.coefficients[b * block + r] : 0.f;
      }
      scale_states(p, rows, factor + b * block, scaled + b * block * width);
    }
  });
  return {transposed, scaled, shift, factor};
}

// Items [item, end) against all rows: their rows of dtable and dbias, and what they give to dstates.
void range_backward(const Problem& p, const States& all, i64 blocks, i64 item, i64 end, float* dstates) {
  const SoftmaxLoss& k = p.k;
  Scratch local;
  float* e = local.floats(p.tile * block);
  float* dtable = local.floats(p.tile * p.width);
  float* lanes = local.floats(p.tile * vector_lanes);
  alignas(64) float unused[block] = {};
  if (dstates)
    for (i64 i = 0; i < blocks * block * p.width; ++i) dstates[i] = 0.f;
  for (; item < end; item += p.tile) {
    const i64 items = least(p.tile, end - item);
    for (i64 i = 0; i < items * p.width; ++i) dtable[i] = 0.f;
    for (i64 i = 0; i < items * vector_lanes; ++i) lanes[i] = 0.f;
    for (i64 b = 0; b < blocks; ++b) {
      const i64 first = b * block, count = least(block, k.rows - first);
      score_tile(p, all.transposed + first * k.dim, item, items, e);
      add_bias(k, e, item, items);
      exponentiate(e, items, all.shift + first, unused);
      for (i64 r = 0; r < count; ++r) {
        const i64 at = k.targets[first + r] - item;
        if (at >= 0 && at < items) e[at * block + r] -= 1.f;
      }
      if (dstates) add_to_states(p, e, item, items, dstates + first * p.width);
      if (k.dtable) add_to_table(p, e, all.scaled + first * p.width, items, dtable, p.width, true);
      if (k.dbias) add_to_bias(e, all.factor + first, items, lanes, vector_lanes, true);
    }
    for (i64 v = 0; v < items; ++v) {
      if (k.dtable)
        for_lanes(k.dim, [&](i64 j, auto part) {
          part.store(k.dtable + (item + v) * k.dim + j, Vec::load(dtable + v * p.width + j));
        });
      if (k.dbias) k.dbias[item + v] = sum(Vec::load(lanes + v * vector_lanes));
    }
  }
}

}  // namespace

// One pass: a block's exponentials [items, 32] are kept in the second-level cache until its sums are known.
void softmax_loss_with_gradients(const SoftmaxLoss& k) {
  Scratch scratch;
  const Problem p = problem_of(k, scratch);
  const i64 stride = (k.dtable ? p.width : 0) + (k.dbias ? vector_lanes : 0);
  const i64 blocks = parts_of(k.rows, block);
  const i64 parts = most(most(1, least(8, blocks / 8)), least(16, blocks / 24));
  float* slots = stride > 0 ? scratch.floats(parts * k.items * stride) : nullptr;
  parallel_for(
      parts, 1,
      [&](i64 begin, i64 end) {
        Scratch local;
        float* e = local.floats(k.items * block);
        float* dstates = local.floats(block * p.width);
        float* scaled = local.floats(block * p.width);
        Block rows{0, 0, local.floats(k.dim * block)};
        for (i64 part = begin; part < end; ++part) {
          float* slot = slots ? slots + part * k.items * stride : nullptr;
          const i64 first = part * blocks / parts * block, last = least(k.rows, (part + 1) * blocks / parts * block);
          for (i64 row = first; row < last; row += block) {
            load_block(p, rows, row, last);
            block_with_gradients(p, rows, e, dstates, scaled, slot, stride, row == first);
          }
        }
      },
      static_cast<i64>(nanoseconds_for(p, parts_of(k.rows, parts), k.items, 3)));
  if (slots) add_slots(p, slots, parts, stride);
}

// Loss alone. Tasks are groups of blocks by ranges of items; what the ranges found is joined in their order.
void softmax_loss(const SoftmaxLoss& k) {
  Scratch scratch;
  const Problem p = problem_of(k, scratch);
  const i64 range = parts_of(most(512, least(8192, parts_of(k.items, 16))), p.tile) * p.tile;
  const i64 ranges = parts_of(k.items, range), groups = parts_of(k.rows, rows_of_group);
  auto* found = scratch.get<RunningSum>(ranges * groups * blocks_of_group);
  parallel_for(
      ranges * groups, 1,
      [&](i64 begin, i64 end) {
        for (i64 task = begin; task < end; ++task)
          sum_range(p, task % groups * rows_of_group, task / groups * range, range, found + task * blocks_of_group);
      },
      static_cast<i64>(nanoseconds_for(p, least(rows_of_group, k.rows), range, 1)));
  for (i64 first = 0; first < k.rows; first += block) {
    RunningSum total;
    for (i64 part = 0; part < ranges; ++part) join(total, found[part * groups * blocks_of_group + first / block]);
    finish_block(p, {first, least(block, k.rows - first), nullptr}, total);
  }
}

// Gradients from log_sum_exp, which softmax_loss left: items outside, so that a task owns its rows of dtable; dstates
// has a slot for each range of items.
void softmax_loss_backward(const SoftmaxLoss& k) {
  Scratch scratch;
  const Problem p = problem_of(k, scratch);
  const i64 blocks = parts_of(k.rows, block);
  const States all = load_states(p, blocks, scratch);
  const i64 parts = most(1, least(16, k.items / 64)), slot = blocks * block * p.width;
  float* slots = k.dstates ? scratch.floats(parts * slot) : nullptr;
  parallel_for(
      parts, 1,
      [&](i64 begin, i64 end) {
        for (i64 part = begin; part < end; ++part)
          range_backward(p, all, blocks, part * k.items / parts, (part + 1) * k.items / parts,
                         slots ? slots + part * slot : nullptr);
      },
      static_cast<i64>(nanoseconds_for(p, k.rows, parts_of(k.items, parts), 3)));
  if (!k.dstates) return;
  parallel_for(k.rows, rows_for(0.1 * static_cast<double>(p.width * parts)), [&](i64 begin, i64 end) {
    for (i64 r = begin; r < end; ++r)
      for_lanes(k.dim, [&](i64 j, auto lanes) {
        const float* from = slots + r * p.width + j;
        Vec total = Vec::load(from);
        for (i64 part = 1; part < parts; ++part) total += Vec::load(from + part * slot);
        lanes.store(k.dstates + k.state_of[r] * k.dim + j, total * Vec(k.coefficients[r]));
      });
  });
}

}  // namespace lw::LIKEWISE_LEVEL
