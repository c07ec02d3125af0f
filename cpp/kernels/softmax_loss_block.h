// The full softmax, 32 rows at a time. Scores are laid out items x rows, so that sums and maxima over items need no
// step across lanes; a tile of the table, its scores and the block's states stay in the nearest cache through all that
// is done with them.
#pragma once

#include "cpp/core/arena.h"
#include "cpp/core/parallel.h"
#include "cpp/kernels/cached_product.h"
#include "cpp/kernels/simd_math.h"
#include "cpp/kernels/softmax_loss.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

constexpr i64 block = 32;            // rows at work at a time
constexpr float overflow_room = 60;  // exp(60) times a catalogue of 10^12 items is still a float

LIKEWISE_INLINE i64 least(i64 a, i64 b) { return a < b ? a : b; }
LIKEWISE_INLINE i64 most(i64 a, i64 b) { return a < b ? b : a; }
LIKEWISE_INLINE i64 parts_of(i64 n, i64 size) { return (n + size - 1) / size; }
LIKEWISE_INLINE i64 whole_vectors(i64 n) { return parts_of(n, vector_lanes) * vector_lanes; }

// The table with rows of whole vectors; `from` itself where it has them.
const float* with_whole_vectors(const float* from, i64 rows, i64 dim, i64 width, Scratch& scratch) {
  if (width == dim) return from;
  float* to = scratch.floats(rows * width);
  parallel_for(rows, rows_for(2 + 0.1 * static_cast<double>(width)), [&](i64 begin, i64 end) {
    for (i64 row = begin; row < end; ++row)
      for (i64 j = 0; j < width; j += vector_lanes)
        Vec::load(from + row * dim + j, dim - j).store(to + row * width + j);
  });
  return to;
}

// What a call works on: rows of `width` floats, tiles of `tile` items.
struct Problem {
  const SoftmaxLoss& k;
  i64 width, tile;
  const float* table;  // [items, width]
};

Problem problem_of(const SoftmaxLoss& k, Scratch& scratch) {
  const i64 width = whole_vectors(k.dim);
  const i64 tile = most(16, least(64, 4096 / width));
  return {k, width, tile, with_whole_vectors(k.table, k.items, k.dim, width, scratch)};
}

// Rows [first, first + count) of a problem; missing ones of the 32 are zero.
struct Block {
  i64 first, count;
  float* states;  // [dim, 32]
};

void load_block(const Problem& p, Block& rows, i64 first, i64 last) {
  rows.first = first;
  rows.count = least(block, last - first);
  for (i64 r = 0; r < block; ++r) {
    const float* from = r < rows.count ? p.k.states + p.k.state_of[first + r] * p.k.dim : nullptr;
    for (i64 j = 0; j < p.k.dim; ++j) rows.states[j * block + r] = from ? from[j] : 0.f;
  }
}

// scaled_r = factor_r h_r, [32, width]
void scale_states(const Problem& p, const Block& rows, const float* factor, float* scaled) {
  for (i64 r = 0; r < block; ++r)
    for (i64 j = 0; j < p.width; j += vector_lanes) {
      const bool used = r < rows.count && j < p.k.dim;
      const float* from = used ? p.k.states + p.k.state_of[rows.first + r] * p.k.dim + j : nullptr;
      (used ? Vec::load(from, p.k.dim - j) * Vec(factor[r]) : Vec(0.f)).store(scaled + r * p.width + j);
    }
}

// scores_vr = h_r w_v, [items, 32]
void score_tile(const Problem& p, const float* states, i64 item, i64 items, float* scores) {
  multiply({items, block, p.k.dim, p.table + item * p.width, p.width, 1, states, block, scores, block, false});
}

// dstates_r += sum_v e_vr w_v
void add_to_states(const Problem& p, const float* e, i64 item, i64 items, float* dstates) {
  multiply({block, p.width, items, e, 1, block, p.table + item * p.width, p.width, dstates, p.width, true});
}

// dtable_v (+)= sum_r e_vr scaled_r; rows of `stride` floats
void add_to_table(const Problem& p, const float* e, const float* scaled, i64 items, float* dtable, i64 stride,
                  bool accumulate) {
  multiply({items, p.width, block, e, block, 1, scaled, p.width, dtable, stride, accumulate});
}

// The bias's gradient as sums over rows 16 apart; its lanes are added at the end.
void add_to_bias(const float* e, const float* factor, i64 items, float* lanes, i64 stride, bool accumulate) {
  const Vec first = Vec::load(factor), second = Vec::load(factor + vector_lanes);
  for (i64 v = 0; v < items; ++v) {
    const Vec before = accumulate ? Vec::load(lanes + v * stride) : Vec(0.f);
    const Vec low = fma(Vec::load(e + v * block), first, before);
    fma(Vec::load(e + v * block + vector_lanes), second, low).store(lanes + v * stride);
  }
}

// Two vectors: a value for each of the 32 rows.
struct PerRow {
  Vec low, high;
  LIKEWISE_INLINE PerRow(Vec a, Vec b) : low(a), high(b) {}
  LIKEWISE_INLINE explicit PerRow(float value) : low(value), high(value) {}
  LIKEWISE_INLINE static PerRow load(const float* from) { return {Vec::load(from), Vec::load(from + vector_lanes)}; }
  LIKEWISE_INLINE void store(float* to) const { low.store(to), high.store(to + vector_lanes); }
};
LIKEWISE_INLINE PerRow operator+(PerRow a, PerRow b) { return {a.low + b.low, a.high + b.high}; }
LIKEWISE_INLINE PerRow operator-(PerRow a, PerRow b) { return {a.low - b.low, a.high - b.high}; }
LIKEWISE_INLINE PerRow operator*(PerRow a, PerRow b) { return {a.low * b.low, a.high * b.high}; }
LIKEWISE_INLINE PerRow max(PerRow a, PerRow b) { return {max(a.low, b.low), max(a.high, b.high)}; }
LIKEWISE_INLINE PerRow exp(PerRow a) { return {exp_above_denormals(a.low), exp_above_denormals(a.high)}; }
LIKEWISE_INLINE PerRow log(PerRow a) { return {log(a.low), log(a.high)}; }

// sum_v exp(s_vr - shift_r) for 32 rows, over the items seen so far. The shift is not the maximum but within 60 of it,
// so that it seldom changes.
struct RunningSum {
  alignas(64) float shift[block], sum[block], target_score[block];
  LIKEWISE_INLINE RunningSum() {
    for (i64 r = 0; r < block; ++r) shift[r] = -1e30f, sum[r] = 0.f, target_score[r] = 0.f;
  }
};

void add_bias(const SoftmaxLoss& k, float* scores, i64 item, i64 items) {
  if (!k.bias) return;
  for (i64 v = 0; v < items; ++v)
    (PerRow::load(scores + v * block) + PerRow(k.bias[item + v])).store(scores + v * block);
}

void note_targets(const Problem& p, const Block& rows, const float* scores, i64 item, i64 items, RunningSum& running) {
  for (i64 r = 0; r < rows.count; ++r) {
    const i64 at = p.k.targets[rows.first + r] - item;
    if (at >= 0 && at < items) running.target_score[r] = scores[at * block + r];
  }
}

// Where a score is too far above its row's shift, moves the shift there; true if any moved, with what must be rescaled
// in `factor`.
bool raise_shift(const float* scores, i64 items, RunningSum& running, float* factor) {
  PerRow highest(-1e30f);
  for (i64 v = 0; v < items; ++v) highest = max(highest, PerRow::load(scores + v * block));
  alignas(64) float top[block];
  highest.store(top);
  bool any = false;
  for (i64 r = 0; r < block; ++r) any |= top[r] > running.shift[r] + overflow_room;
  if (!any) return false;
  const PerRow before = PerRow::load(running.shift), after = max(before, highest), scale = exp(before - after);
  scale.store(factor);
  (PerRow::load(running.sum) * scale).store(running.sum);
  after.store(running.shift);
  return true;
}

void multiply_rows_by(float* e, i64 items, const float* factor) {
  for (i64 v = 0; v < items; ++v) (PerRow::load(e + v * block) * PerRow::load(factor)).store(e + v * block);
}

// e_vr = exp(s_vr - shift_r), in place, and their sums
void exponentiate(float* scores, i64 items, const float* shift, float* sum) {
  const PerRow down = PerRow::load(shift);
  PerRow total(0.f);
  for (i64 v = 0; v < items; ++v) {
    const PerRow e = exp(PerRow::load(scores + v * block) - down);
    total = total + e;
    e.store(scores + v * block);
  }
  (PerRow::load(sum) + total).store(sum);
}

void finish_block(const Problem& p, const Block& rows, const RunningSum& running) {
  alignas(64) float lse[block];
  (PerRow::load(running.shift) + log(PerRow::load(running.sum))).store(lse);
  for (i64 r = 0; r < rows.count; ++r) {
    p.k.log_sum_exp[rows.first + r] = lse[r];
    p.k.losses[rows.first + r] = lse[r] - running.target_score[r];
  }
}

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
