// Reductions over one axis of [outer, n, inner].
#pragma once

#include "cpp/core/types.h"

namespace lw {

enum class Reduction : u8 { sum, max, min };

// out[o, j] = the sum, or the largest or smallest, of x[o, :, j]; NaN if one is among them. n >= 1 unless it is a sum.
struct Reduce {
  Reduction reduction;
  i64 outer, n, inner;
  const float* x;  // [outer, n, inner]
  float* out;      // [outer, inner]
};

// out[o, j] = the first i at which x[o, i, j] is largest; the first NaN counts as largest.
struct ArgMax {
  i64 outer, n, inner;
  const float* x;  // [outer, n, inner]
  i64* out;        // [outer, inner]
};

}  // namespace lw
