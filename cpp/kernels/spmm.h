// Sums of rows of a table: a sparse matrix times a dense one.
#pragma once

#include "cpp/core/types.h"

namespace lw {

// out_r = sum_{at = indptr_r}^{indptr_{r+1} - 1} weights_at table_{columns_at}, in that order.
struct Spmm {
  i64 rows, dim;
  const i64* indptr;     // [rows + 1]
  const i32* columns;    // rows of the table
  const float* weights;  // null: ones
  const float* table;    // [.., dim]
  float* out;            // [rows, dim]
};

}  // namespace lw
