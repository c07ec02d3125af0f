// Retrieval over a whole catalogue: the best items of queries, and where given items stand.
#pragma once

#include "cpp/core/array.h"
#include "cpp/kernels/topk.h"

namespace lw {

// Items of n queries: items[indptr[q]] to items[indptr[q + 1]].
struct Lists {
  i64 queries;
  const i64* indptr;  // [queries + 1]
  i64 count;
  const i32* items;  // [count]
};

// Which items may appear [n_items].
using Allowed = const bool*;

// An item table packed once, with biases; every score comes from it.
class PackedItems {
 public:
  // `vectors` [n_items, dim]; `biases` [n_items] or null.
  PackedItems(const float* vectors, const float* biases, i64 items, i64 dim);

  i64 items() const { return items_; }
  i64 dim() const { return dim_; }
  ScoreSource source(const float* vectors, i64 queries, const float* bias) const;
  const float* biases() const { return biases_.floats(); }

 private:
  i64 items_, dim_;
  Array packed_;  // [blocks, dim, 16]
  Array biases_;  // [16 blocks], -inf beyond the last item
};

// Scores made elsewhere, [queries, items].
ScoreSource matrix_source(const float* scores, i64 queries, i64 items, const float* bias);

// Biases padded to whole blocks, -inf for what is not allowed. `biases` [items], or null for zeros; `allowed` may be
// null.
Array masked_biases(const float* biases, Allowed allowed, i64 items);

void top_items(const ScoreSource& source, const Lists& seen, i64 k, i32* items, float* scores);
void item_positions(const ScoreSource& source, const Lists& wanted, const Lists& seen, i64* higher, i64* earlier,
                    i64* equal);
void pair_scores(const ScoreSource& source, i64 pairs, const i64* rows, const i32* items, float* out);

// std::invalid_argument unless pointers ascend from 0 to count, items lie in [0, items) and, where `ascending`, each
// list is strictly ascending.
void check_lists(const char* name, const Lists& lists, i64 queries, i64 items, bool ascending);

}  // namespace lw
