// Rows of tables by their ids.
#pragma once

#include "cpp/autograd/tensor.h"

namespace lw {

// `ids` as int64, each checked to lie in 0 .. rows - 1.
Array checked_ids(const char* operation, const char* argument, const Array& ids, i64 rows);

// Positions of equal ids brought together: segment s is order[starts[s]] to order[starts[s + 1] - 1], all of unique[s].
struct Segments {
  i64 count = 0;
  Array order, unique, starts;
};
Segments segments_of(const Array& ids, i64 limit);

// The same gradient with ascending ids, none twice; rows that shared an id are added in their order.
RowSparse coalesce_rows(const RowSparse& sparse);

namespace ops {

// table [rows, dim], ids of any shape -> [.., dim]
Tensor embedding(const Tensor& table, const Tensor& ids);

enum class BagMode : u8 { sum, mean };

// Bag b holds ids[offsets[b] .. offsets[b + 1]), the last one the rest: their rows, times weights if given, added or
// averaged. -> [bags, dim]
Tensor embedding_bag(const Tensor& table, const Tensor& ids, const Tensor& offsets, BagMode mode,
                     const Tensor& weights);

// A copy of `table` with table[ids[r]] += rows[r]; ids may repeat and are added in their order.
Tensor scatter_add(const Tensor& table, const Tensor& ids, const Tensor& rows);

// The scores of each position's own candidates: states [.., dim] times rows ids [.., count] of table [rows, dim], plus
// bias [rows] where there is one -> [.., count]
Tensor candidate_scores(const Tensor& states, const Tensor& table, const Tensor& ids, const Tensor& bias);

}  // namespace ops
}  // namespace lw
