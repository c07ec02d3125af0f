// Retrieval: scores of queries against the catalogue, and what is best among them, without holding [queries x items].
//
// A packed table holds items in blocks of 16, [ceil(items / 16), dim, 16]. A score is the bias plus the fused sum over
// the dimension in ascending order, whichever kernel computes it: the same bits everywhere. The bias of an item that
// may not appear, and of the padding of the last block, is -inf. Equal scores: the smaller item first.
#pragma once

#include "cpp/core/types.h"

namespace lw {

constexpr i64 items_per_block = 16;

struct PackItems {
  i64 items, dim;
  const float* vectors;  // [items, dim]
  float* packed;         // [ceil(items / 16), dim, 16]
};

// Where scores come from: queries against a packed table, or a matrix of scores made elsewhere.
struct ScoreSource {
  i64 queries, items, dim;
  const float* vectors;  // [queries, dim]
  const float* packed;   // null: `scores` has them
  const float* scores;   // [queries, items]
  const float* bias;     // [16 ceil(items / 16)]
};

// Items of each query that may not appear: ascending, items[indptr[q]] to items[indptr[q + 1]].
struct ItemLists {
  const i64* indptr;
  const i32* items;
};

// The k best items of each query, best first; -1 and -inf where there are no more.
struct TopItems {
  ScoreSource source;
  ItemLists seen;
  i64 k;
  i64 chunks;         // parts of the catalogue that are searched on their own
  float* floors;      // [queries] scratch: no score below belongs to the best k
  float* scores;      // [queries, chunks, k] scratch
  i32* items;         // [queries, chunks, k] scratch
  float* top_scores;  // [queries, k]
  i32* top_items;     // [queries, k]
};

// Where each wanted item stands among the items that may appear. One entry for each wanted item.
struct ItemPositions {
  ScoreSource source;
  ItemLists seen;
  ItemLists wanted;
  i64* higher;   // items with a higher score
  i64* earlier;  // items with the same score and a smaller index
  i64* equal;    // other items with the same score
};

// score_j = bias[items_j] + query[rows_j] . item[items_j]
struct PairScores {
  ScoreSource source;
  i64 pairs;
  const i64* rows;
  const i32* items;
  float* out;
};

}  // namespace lw
