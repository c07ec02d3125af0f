// A panel of B as gemm's tiles read it: [k, lanes] without gaps, zeros beyond the columns that B has.
#pragma once

#include "cpp/kernels/simd.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

[[maybe_unused]] void pack(const float* b, i64 ldb, i64 k, i64 columns, i64 lanes, float* packed) {
  for (i64 p = 0; p < k; ++p, b += ldb, packed += lanes)
    for (i64 j = 0; j < lanes; j += native_lanes)
      *reinterpret_cast<Native*>(packed + j) = native_load_up_to(b + j, columns - j);
}

// A square of native_lanes rows, turned over its diagonal by exchanging blocks of half, a quarter, .. its size.
template <int Half = native_lanes / 2>
LIKEWISE_INLINE void transpose(Native* rows) {
  if constexpr (Half > 0) {
    NativeInt upper, lower;  // lanes of the two rows of a pair, the second counted from native_lanes
    for (int lane = 0; lane < native_lanes; ++lane) {
      upper[lane] = lane & Half ? native_lanes + lane - Half : lane;
      lower[lane] = lane & Half ? native_lanes + lane : lane + Half;
    }
#pragma GCC unroll 16
    for (int i = 0; i < native_lanes; ++i)
      if (!(i & Half)) {
        const Native above = rows[i], below = rows[i + Half];
        rows[i] = __builtin_shuffle(above, below, upper);
        rows[i + Half] = __builtin_shuffle(above, below, lower);
      }
    transpose<Half / 2>(rows);
  }
}

// From B transposed, [columns, k].
void pack_transposed(const float* b, i64 ldb, i64 k, i64 columns, i64 lanes, float* packed) {
  for (i64 j = 0; j < lanes; j += native_lanes)
    for (i64 p = 0; p < k; p += native_lanes) {
      Native square[native_lanes];
#pragma GCC unroll 16
      for (int i = 0; i < native_lanes; ++i)
        square[i] = j + i < columns ? native_load_up_to(b + (j + i) * ldb + p, k - p) : Native{};
      transpose(square);
#pragma GCC unroll 16
      for (int i = 0; i < native_lanes; ++i)
        if (p + i < k) *reinterpret_cast<Native*>(packed + (p + i) * lanes + j) = square[i];
    }
}

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
