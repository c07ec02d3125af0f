// Sums and maxima along a row, in 16 lanes and then the tree over lanes.
#pragma once

#include "cpp/kernels/simd.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

constexpr float lowest = -__builtin_inff();

// The sum of term(j, lanes), which must be 0 in lanes beyond the tail.
template <typename Term>
LIKEWISE_INLINE float sum_over(i64 n, const Term& term) {
  Vec total = 0.f;
  for_lanes(n, [&](i64 j, auto lanes) { total += term(j, lanes); });
  return sum(total);
}

// A NaN in the row is the largest.
LIKEWISE_INLINE float largest_of(const float* x, i64 n) {
  Vec most = lowest;
  for_lanes(n, [&](i64 j, auto lanes) {
    const Vec v = lanes.load(x + j, lowest);
    most = select((most < v) | (v != v), v, most);
  });
  return reduce(most, [](float a, float b) { return a < b || b != b ? b : a; });
}

// sums_j += sum over rows of x_rj, four rows at a time so that no addition waits for the one before it
[[maybe_unused]] void add_rows(const float* x, i64 stride, i64 rows, i64 columns, float* sums) {
  for_lanes(columns, [&](i64 j, auto lanes) {
    Vec sum[4] = {0.f, 0.f, 0.f, 0.f};
    i64 row = 0;
    for (; row + 4 <= rows; row += 4)
      for (int i = 0; i < 4; ++i) sum[i] += lanes.load(x + (row + i) * stride + j);
    for (; row < rows; ++row) sum[0] += lanes.load(x + row * stride + j);
    lanes.store(sums + j, lanes.load(sums + j) + ((sum[0] + sum[1]) + (sum[2] + sum[3])));
  });
}

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
