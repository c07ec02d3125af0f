// Rows of tables by their ids.
#pragma once

#include "cpp/autograd/tensor.h"

namespace lw {

// `ids` as int64, each checked to lie in 0 .. rows - 1.
Array checked_ids(const char* operation, const char* argument, const Array& ids, i64 rows);

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

}  // namespace ops
}  // namespace lw
