// Scores of a few queries against blocks of a packed item table, in registers.
#pragma once

#include "cpp/kernels/simd.h"
#include "cpp/kernels/topk.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

// Rows of queries are scored in tiles of 6, then 4, 2 and 1 (3, 2, 1 at v2): as many accumulators as hide the latency
// of a fused multiply-add and fit the registers.
constexpr int tallest = native_lanes == 4 ? 3 : 6;
constexpr int blocks_for(int rows) {
  constexpr int vectors = native_lanes == 4 ? 1 : 2;  // of one row, at the tallest tile
  const int blocks = vectors * 4 / (rows > 2 ? 4 : rows) / (native_parts < 2 ? 1 : 2);
  return blocks > 0 ? blocks : 1;
}
constexpr int most_blocks = blocks_for(1);

LIKEWISE_INLINE i64 tile_height(i64 rows) {
  return rows >= tallest ? tallest : rows >= 4 && tallest > 4 ? 4 : rows >= 2 ? 2 : 1;
}

// out[r][b] = bias[b] + sum_p query[p][r] item[b][p], p ascending. `queries` is [dim, rows], `items` blocks of
// [dim, 16].
template <int rows, int blocks>
LIKEWISE_INLINE void score_tile(i64 dim, const float* queries, const float* items, const float* bias,
                                Vec (&out)[rows][blocks]) {
  for (int b = 0; b < blocks; ++b)
    for (int r = 0; r < rows; ++r) out[r][b] = Vec::load(bias + b * items_per_block);
  for (i64 p = 0; p < dim; ++p) {
    Vec item[blocks];
    for (int b = 0; b < blocks; ++b) item[b] = Vec::load(items + (b * dim + p) * items_per_block);
    for (int r = 0; r < rows; ++r) {
      const Vec query(queries[p * rows + r]);
      for (int b = 0; b < blocks; ++b) out[r][b] = fma(query, item[b], out[r][b]);
    }
  }
}

LIKEWISE_INLINE i64 blocks_of(i64 items) { return (items + items_per_block - 1) / items_per_block; }

// One score, as score_tile gives it.
LIKEWISE_INLINE float score_one(const ScoreSource& s, i64 query, i64 item) {
  if (s.packed == nullptr) return s.bias[item] + s.scores[query * s.items + item];
  const i64 block = item / items_per_block;
  Vec score[1][1];
  score_tile<1, 1>(s.dim, s.vectors + query * s.dim, s.packed + block * s.dim * items_per_block,
                   s.bias + block * items_per_block, score);
  float lanes[vector_lanes];
  score[0][0].store(lanes);
  return lanes[item % items_per_block];
}

// Rows of queries packed for score_tile, tile after tile.
LIKEWISE_INLINE void pack_queries(i64 rows, i64 dim, const float* vectors, float* packed) {
  for (i64 row = 0; row < rows;) {
    const i64 height = tile_height(rows - row);
    for (i64 p = 0; p < dim; ++p)
      for (i64 r = 0; r < height; ++r) packed[row * dim + p * height + r] = vectors[(row + r) * dim + p];
    row += height;
  }
}

// One tile of rows against blocks [begin, end), as many at once as fit.
template <int rows, typename Visit>
LIKEWISE_INLINE void score_rows(const ScoreSource& s, const float* queries, i64 row, i64 begin, i64 end,
                                const Visit& visit) {
  constexpr int wide = blocks_for(rows);
  const i64 block_floats = s.dim * items_per_block;
  i64 block = begin;
  for (; block + wide <= end; block += wide) {
    Vec score[rows][wide];
    score_tile<rows, wide>(s.dim, queries + row * s.dim, s.packed + block * block_floats,
                           s.bias + block * items_per_block, score);
    visit(row, block, score);
  }
  if constexpr (wide > 1)
    for (; block < end; ++block) {
      Vec score[rows][1];
      score_tile<rows, 1>(s.dim, queries + row * s.dim, s.packed + block * block_floats,
                          s.bias + block * items_per_block, score);
      visit(row, block, score);
    }
}

// Calls visit(row, block, Vec (&scores)[rows][blocks]) for tiles that cover every query of `rows` and every block of
// [begin, end), blocks ascending for each row. A panel of items that the nearest caches hold is passed by all queries
// in turn, while the next one is fetched.
template <typename Visit>
LIKEWISE_INLINE void for_scores(const ScoreSource& s, i64 rows, const float* queries, i64 begin, i64 end,
                                const Visit& visit) {
  const i64 block_floats = s.dim * items_per_block;
  i64 panel = 8192 / (block_floats > 0 ? block_floats : 1);  // 32 KB
  panel = panel < most_blocks ? most_blocks : panel / most_blocks * most_blocks;
  for (i64 first = begin; first < end; first += panel) {
    const i64 last = first + panel < end ? first + panel : end;
    const char* ahead = reinterpret_cast<const char*>(s.packed + last * block_floats);
    const i64 ahead_bytes = 4 * ((last + panel < end ? last + panel : end) - last) * block_floats;
    for (i64 row = 0; row < rows;) {
      const i64 height = tile_height(rows - row);
      for (i64 at = ahead_bytes * row / rows & -64; at < ahead_bytes * (row + height) / rows; at += 64)
        __builtin_prefetch(ahead + at, 0, 2);
      if (height == tallest) {
        score_rows<tallest>(s, queries, row, first, last, visit);
      } else if (height == 4) {
        if constexpr (tallest > 4) score_rows<4>(s, queries, row, first, last, visit);
      } else if (height == 2) {
        score_rows<2>(s, queries, row, first, last, visit);
      } else {
        score_rows<1>(s, queries, row, first, last, visit);
      }
      row += height;
    }
  }
}

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
