#include "cpp/kernels/sampled_loss.h"

#include "cpp/core/arena.h"
#include "cpp/core/parallel.h"
#include "cpp/kernels/candidate_rows.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

constexpr i64 ahead = 12;           // candidates at random places are asked for this many before they are used
constexpr i64 vectors_at_once = 4;  // of columns, whose sums stay in registers

LIKEWISE_INLINE i64 least(i64 a, i64 b) { return a < b ? a : b; }

LIKEWISE_INLINE float dot(const float* h, const float* w, i64 dim) {
  Vec total = 0.f;
  for_lanes(dim, [&](i64 j, auto lanes) { total = fma(lanes.load(h + j), lanes.load(w + j), total); });
  return sum(total);
}

// dot() for four candidates at a time: their lanes are added up together, in the same order.
LIKEWISE_INLINE void four_dots(const float* h, const float* const (&w)[4], i64 dim, float* dots) {
  Vec total[4] = {0.f, 0.f, 0.f, 0.f};
  for_lanes(dim, [&](i64 j, auto lanes) {
    const Vec state = lanes.load(h + j);
    for (int c = 0; c < 4; ++c) total[c] = fma(state, lanes.load(w[c] + j), total[c]);
  });
  FourLanes four[4];
  for (int c = 0; c < 4; ++c) four[c] = reduce_to_four(total[c], [](auto x, auto y) { return x + y; });
  const FourLanes low =
      __builtin_shufflevector(four[0], four[1], 0, 1, 4, 5) + __builtin_shufflevector(four[0], four[1], 2, 3, 6, 7);
  const FourLanes high =
      __builtin_shufflevector(four[2], four[3], 0, 1, 4, 5) + __builtin_shufflevector(four[2], four[3], 2, 3, 6, 7);
  const FourLanes all = __builtin_shufflevector(low, high, 0, 2, 4, 6) + __builtin_shufflevector(low, high, 1, 3, 5, 7);
  __builtin_memcpy(dots, &all, sizeof all);
}

// Rows of a table that will be read soon; `left` ids follow.
LIKEWISE_INLINE void prefetch_row(const float* table, const i64* ids, i64 left, i64 dim) {
  if (left <= ahead) return;
  const float* row = table + ids[ahead] * dim;
  for (i64 j = 0; j < dim; j += vector_lanes) __builtin_prefetch(row + j);
}

// s_c = h . w_c + b_c; `left` ids follow the first.
void score_candidates(const OwnCandidates& k, const float* h, const i64* ids, i64 left, float* scores) {
  i64 c = 0;
  for (; c + 4 <= k.candidates; c += 4) {
    const float* w[4];
    for (int i = 0; i < 4; ++i) {
      prefetch_row(k.table, ids + c + i, left - c - i, k.dim);
      w[i] = k.table + ids[c + i] * k.dim;
    }
    four_dots(h, w, k.dim, scores + c);
  }
  for (; c < k.candidates; ++c) {
    prefetch_row(k.table, ids + c, left - c, k.dim);
    scores[c] = dot(h, k.table + ids[c] * k.dim, k.dim);
  }
  if (k.offsets)
    for (c = 0; c < k.candidates; ++c) scores[c] += k.offsets[ids[c]];
}

// Some columns, `vectors` of them, the last with `lanes` lanes:  dh = sum_c g_c w_c, and dw_c += g_c h.
template <int vectors, bool to_states, bool to_table>
void spread_columns(const OwnCandidates& k, i64 column, i64 lanes, const i64* ids, const float* g, const float* h,
                    float* dh, float* dtable) {
  constexpr int whole = vectors - 1;
  Vec total[vectors], state[vectors];
  for (int v = 0; v < vectors; ++v) total[v] = 0.f;
  for (int v = 0; v < whole; ++v) state[v] = Vec::load(h + column + v * vector_lanes);
  state[whole] = Vec::load(h + column + whole * vector_lanes, lanes);
  for (i64 c = 0; c < k.candidates; ++c) {
    const Vec scale(g[c]);
    if constexpr (to_states) {
      const float* w = k.table + ids[c] * k.dim + column;
      for (int v = 0; v < whole; ++v) total[v] = fma(scale, Vec::load(w + v * vector_lanes), total[v]);
      total[whole] = fma(scale, Vec::load(w + whole * vector_lanes, lanes), total[whole]);
    }
    if constexpr (to_table) {
      float* dw = dtable + ids[c] * k.dim + column;
      for (int v = 0; v < whole; ++v) {
        float* to = dw + v * vector_lanes;
        fma(scale, state[v], Vec::load(to)).store(to);
      }
      float* to = dw + whole * vector_lanes;
      fma(scale, state[whole], Vec::load(to, lanes)).store(to, lanes);
    }
  }
  if constexpr (to_states) {
    for (int v = 0; v < whole; ++v) total[v].store(dh + column + v * vector_lanes);
    total[whole].store(dh + column + whole * vector_lanes, lanes);
  }
}

template <bool to_states, bool to_table>
void spread(const OwnCandidates& k, const i64* ids, const float* g, const float* h, float* dh, float* dtable) {
  for (i64 column = 0; column < k.dim; column += vectors_at_once * vector_lanes) {
    const i64 columns = least(k.dim - column, vectors_at_once * vector_lanes);
    const i64 vectors = (columns + vector_lanes - 1) / vector_lanes, lanes = columns - (vectors - 1) * vector_lanes;
    const auto run = [&]<int count>() {
      spread_columns<count, to_states, to_table>(k, column, lanes, ids, g, h, dh, dtable);
    };
    if (vectors == 4)
      run.template operator()<4>();
    else if (vectors == 3)
      run.template operator()<3>();
    else if (vectors == 2)
      run.template operator()<2>();
    else
      run.template operator()<1>();
  }
}

// Rows [begin, end), with what they give to the table where it has room for that.
void own_rows(const OwnCandidates& k, i64 begin, i64 end, float* dtable, float* dbias) {
  for (i64 row = begin; row < end; ++row) {
    const i64* ids = k.ids + row * k.candidates;
    const float* h = k.states + row * k.dim;
    float* g = k.gradients + row * k.candidates;
    score_candidates(k, h, ids, (end - row) * k.candidates, g);
    k.losses[row] = candidate_row(k.rule, {k.candidates - 1, g + 1, g, k.coefficients[row]}, ids + 1, ids[0]);
    float* dh = k.dstates ? k.dstates + row * k.dim : nullptr;
    if (dh && dtable)
      spread<true, true>(k, ids, g, h, dh, dtable);
    else if (dh)
      spread<true, false>(k, ids, g, h, dh, nullptr);
    else if (dtable)
      spread<false, true>(k, ids, g, h, nullptr, dtable);
    if (dbias)
      for (i64 c = 0; c < k.candidates; ++c) dbias[ids[c]] += g[c];
  }
}

// to = sum over `parts` arrays of `count` floats, in their order
void add_parts(const float* from, i64 parts, i64 count, float* to) {
  parallel_for(count, rows_for(0.1 * static_cast<double>(parts)), [&](i64 begin, i64 end) {
    for_lanes(end - begin, [&](i64 j, auto lanes) {
      Vec total = lanes.load(from + begin + j);
      for (i64 part = 1; part < parts; ++part) total += lanes.load(from + part * count + begin + j);
      lanes.store(to + begin + j, total);
    });
  });
}

}  // namespace

void own_candidates(const OwnCandidates& k) {
  const double each = row_nanoseconds(k.rule, k.candidates) +
                      static_cast<double>(k.candidates) * (8 + 0.2 * static_cast<double>(k.dim));
  if (!k.dtable)
    return parallel_for(k.rows, rows_for(each), [&](i64 begin, i64 end) { own_rows(k, begin, end, nullptr, nullptr); });
  // Each part of the rows has a table of its own to add to.
  const i64 parts = k.rows * k.candidates >= 16 * k.items ? 8 : 4, size = k.items * k.dim;
  Scratch scratch;
  float* tables = scratch.floats(parts * size);
  float* biases = k.dbias ? scratch.floats(parts * k.items) : nullptr;
  parallel_for(
      parts, 1,
      [&](i64 begin, i64 end) {
        for (i64 part = begin; part < end; ++part) {
          float* dtable = tables + part * size;
          float* dbias = biases ? biases + part * k.items : nullptr;
          for (i64 i = 0; i < size; ++i) dtable[i] = 0.f;
          for (i64 i = 0; dbias && i < k.items; ++i) dbias[i] = 0.f;
          own_rows(k, part * k.rows / parts, (part + 1) * k.rows / parts, dtable, dbias);
        }
      },
      static_cast<i64>(each * static_cast<double>(k.rows / parts)));
  add_parts(tables, parts, size, k.dtable);
  if (k.dbias) add_parts(biases, parts, k.items, k.dbias);
}

void shared_candidates(const SharedCandidates& k) {
  parallel_for(k.rows, rows_for(row_nanoseconds(k.rule, k.negatives)), [&](i64 begin, i64 end) {
    for (i64 row = begin; row < end; ++row) {
      float* scores = k.scores + row * k.negatives;
      const float* h = k.states + row * k.dim;
      const float* w = k.table ? k.table + k.targets[row] * k.dim : nullptr;
      float target = 0.f;
      if (w)
        target = dot(h, w, k.dim) + (k.offsets ? k.offsets[k.targets[row]] : 0.f);
      else
        target = scores[k.first + row];
      const CandidateRow all{k.negatives, scores, &target, k.coefficients[row]};
      k.losses[row] = candidate_row(k.rule, all, k.drawn, k.targets[row]);
      if (!w) {
        scores[k.first + row] = target;
        continue;
      }
      k.target_gradients[row] = target;
      if (k.dstates)
        for_lanes(k.dim, [&](i64 j, auto lanes) {
          lanes.store(k.dstates + row * k.dim + j, Vec(target) * lanes.load(w + j));
        });
    }
  });
}

}  // namespace lw::LIKEWISE_LEVEL
