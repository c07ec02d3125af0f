// Rows of tables: taking them, adding them up, and bringing gradients of rows back. Ids were checked by the caller.
#pragma once

#include "cpp/core/types.h"

namespace lw {

// out_r = table_{ids_r}
struct Gather {
  i64 rows, dim;
  const float* table;  // [table rows, dim]
  const i64* ids;      // [rows]
  float* out;          // [rows, dim]
};

// Bag b holds the ids at offsets_b .. offsets_{b+1} - 1; an id has a scale, 1 where `scale` is null.
struct Bags {
  i64 bags, dim;
  const i64* offsets;  // [bags + 1]
  const i64* ids;      // [n]
  const float* scale;  // [n], or null
};
struct BagSum {  // out_b = sum_i scale_i table_{ids_i}
  Bags bags;
  const float* table;
  float* out;  // [bags, dim]
};
struct BagSpread {  // rows_i = scale_i dy_b
  Bags bags;
  const float* dy;  // [bags, dim]
  float* rows;      // [n, dim]
};
struct BagDot {  // dots_i = table_{ids_i} . dy_b
  Bags bags;
  const float* table;
  const float* dy;  // [bags, dim]
  float* dots;      // [n]
};

// Brings equal ids together: segment s is the positions order[starts_s .. starts_{s+1} - 1], ascending, which all hold
// unique_s; unique ids ascend.
struct SortIds {
  i64 count, limit;  // ids are in 0 .. limit - 1; both below 2^32
  const i64* ids;    // [count]
  i64* order;        // [count]
  i64* unique;       // [count], the first `segments` of it are set
  i64* starts;       // [count + 1], the first `segments + 1` of it are set
  i64* segments;
};

// to_s (+)= sum_{i in segment s} rows_{order_i}, in the order of i
struct SumSegments {
  i64 segments, dim;
  const i64* order;
  const i64* starts;  // [segments + 1]
  const float* rows;  // [n, dim]
  const i64* row_of;  // [segments] the row of `to` that is to_s, or null: s
  bool accumulate;
  float* to;
};

// to_s = sum_{i in segment s} scale_{order_i} from_{order_i / group}, in the order of i: what `group` scores of each
// row of `from` say of the rows they were scores with, without a row for each score.
struct SumScaledRows {
  i64 segments, dim, group;
  const i64* order;
  const i64* starts;   // [segments + 1]
  const float* scale;  // [n]
  const float* from;   // [n / group, dim]
  const i64* row_of;   // [segments] the row of `to` that is to_s, or null: s
  float* to;
};

}  // namespace lw
