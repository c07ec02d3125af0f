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

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
