#include "cpp/kernels/elementwise.h"

#include "cpp/core/parallel.h"
#include "cpp/kernels/simd_math.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

constexpr i64 elements_per_task = 16'384;

LIKEWISE_INLINE Vec one_if(Mask condition) { return select(condition, 1.f, 0.f); }
LIKEWISE_INLINE Vec sign(Vec x) { return select(x > 0.f, 1.f, select(x < 0.f, -1.f, x)); }
// The library's pow lane by lane: exp(b log a) would lose digits as the result grows.
LIKEWISE_INLINE Vec power(Vec base, Vec exponent) {
  float b[vector_lanes], e[vector_lanes];
  base.store(b);
  exponent.store(e);
  for (int i = 0; i < vector_lanes; ++i) b[i] = __builtin_powf(b[i], e[i]);
  return Vec::load(b);
}

// Where task `row` begins in input `i`: all axes but the last, unravelled.
LIKEWISE_INLINE const float* row_of(const ElementwiseMap& k, int i, i64 row) {
  const float* from = k.input[i];
  for (i64 axis = k.rank - 2; axis >= 0; --axis) {
    from += row % k.shape[axis] * k.stride[i][axis];
    row /= k.shape[axis];
  }
  return from;
}

// out = f(a, b, c, s, t)
template <int inputs, typename Function>
void map(const ElementwiseMap& k, const Function& f) {
  const i64 n = k.rank == 0 ? 1 : k.shape[k.rank - 1];
  i64 rows = 1;
  for (i64 axis = 0; axis + 1 < k.rank; ++axis) rows *= k.shape[axis];
  if (n == 0 || rows == 0) return;
  const i64 pieces = (n + elements_per_task - 1) / elements_per_task;
  i64 step[inputs];
  for (int i = 0; i < inputs; ++i) step[i] = k.rank == 0 ? 0 : k.stride[i][k.rank - 1];

  parallel_for(rows * pieces, elements_per_task / n + 1, [&](i64 first, i64 last) {
    for (i64 task = first; task < last; ++task) {
      const i64 row = task / pieces, begin = task % pieces * elements_per_task;
      const i64 count = begin + elements_per_task < n ? elements_per_task : n - begin;
      const float* from[inputs];
      for (int i = 0; i < inputs; ++i) from[i] = row_of(k, i, row) + begin * step[i];
      float* out = k.out + row * n + begin;
      for_lanes(count, [&](i64 j, auto lanes) {
        const auto input = [&](int i) { return step[i] != 0 ? lanes.load(from[i] + j) : Vec(*from[i]); };
        if constexpr (inputs == 1)
          lanes.store(out + j, f(input(0)));
        else if constexpr (inputs == 2)
          lanes.store(out + j, f(input(0), input(1)));
        else
          lanes.store(out + j, f(input(0), input(1), input(2)));
      });
    }
  });
}

void map_one(const ElementwiseMap& k) {
  const float s = k.s, t = k.t;
  switch (k.function) {
    case Elementwise::scale: return map<1>(k, [s](Vec a) { return s * a; });
    case Elementwise::shift: return map<1>(k, [s](Vec a) { return a + s; });
    case Elementwise::negate: return map<1>(k, [](Vec a) { return -a; });
    case Elementwise::absolute: return map<1>(k, [](Vec a) { return abs(a); });
    case Elementwise::sign: return map<1>(k, [](Vec a) { return sign(a); });
    case Elementwise::exp: return map<1>(k, [](Vec a) { return exp(a); });
    case Elementwise::log: return map<1>(k, [](Vec a) { return log(a); });
    case Elementwise::log1p: return map<1>(k, [](Vec a) { return log1p(a); });
    case Elementwise::sqrt: return map<1>(k, [](Vec a) { return sqrt(a); });
    case Elementwise::square: return map<1>(k, [](Vec a) { return a * a; });
    default: return map<1>(k, [s, t](Vec a) { return min(max(a, s), t); });  // clip
  }
}

void map_two(const ElementwiseMap& k) {
  const float s = k.s, t = k.t;
  switch (k.function) {
    case Elementwise::add: return map<2>(k, [](Vec a, Vec b) { return a + b; });
    case Elementwise::subtract: return map<2>(k, [](Vec a, Vec b) { return a - b; });
    case Elementwise::multiply: return map<2>(k, [](Vec a, Vec b) { return a * b; });
    case Elementwise::divide: return map<2>(k, [](Vec a, Vec b) { return a / b; });
    case Elementwise::power: return map<2>(k, [](Vec a, Vec b) { return power(a, b); });
    case Elementwise::maximum: return map<2>(k, [](Vec a, Vec b) { return select(b != b, b, max(a, b)); });
    case Elementwise::minimum: return map<2>(k, [](Vec a, Vec b) { return select(b != b, b, min(a, b)); });
    case Elementwise::less: return map<2>(k, [](Vec a, Vec b) { return one_if(a < b); });
    case Elementwise::less_equal: return map<2>(k, [](Vec a, Vec b) { return one_if(a <= b); });
    case Elementwise::equal: return map<2>(k, [](Vec a, Vec b) { return one_if(a == b); });
    case Elementwise::not_equal: return map<2>(k, [](Vec a, Vec b) { return one_if(a != b); });
    case Elementwise::divide_by_shifted: return map<2>(k, [s](Vec a, Vec b) { return a / (b + s); });
    case Elementwise::half_ratio: return map<2>(k, [](Vec a, Vec b) { return 0.5f * a / b; });
    case Elementwise::double_product: return map<2>(k, [](Vec a, Vec b) { return 2.f * a * b; });
    case Elementwise::multiply_sign: return map<2>(k, [](Vec a, Vec b) { return a * sign(b); });
    default: return map<2>(k, [s, t](Vec a, Vec b) { return select((b >= s) & (b <= t), a, 0.f); });  // if_within
  }
}

void map_three(const ElementwiseMap& k) {
  switch (k.function) {
    case Elementwise::where: return map<3>(k, [](Vec a, Vec b, Vec c) { return select(a != 0.f, b, c); });
    case Elementwise::if_less: return map<3>(k, [](Vec a, Vec b, Vec c) { return select(b < c, a, 0.f); });
    case Elementwise::if_not_less: return map<3>(k, [](Vec a, Vec b, Vec c) { return select(b < c, 0.f, a); });
    case Elementwise::divide_gradient: return map<3>(k, [](Vec a, Vec b, Vec c) { return -a * b / (c * c); });
    case Elementwise::power_base_gradient:
      return map<3>(k, [](Vec a, Vec b, Vec c) { return select(c == 0.f, 0.f, a * c * power(b, c - 1.f)); });
    default:  // power_exponent_gradient
      return map<3>(k, [](Vec a, Vec b, Vec c) { return select(b == 0.f, 0.f, a * power(b, c) * log(b)); });
  }
}

}  // namespace

void elementwise(const ElementwiseMap& k) {
  if (k.function < Elementwise::add)
    map_one(k);
  else if (k.function == Elementwise::where || k.function >= Elementwise::if_less)
    map_three(k);
  else
    map_two(k);
}

}  // namespace lw::LIKEWISE_LEVEL
