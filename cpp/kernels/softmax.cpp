#include "cpp/kernels/softmax.h"

#include "cpp/core/parallel.h"
#include "cpp/kernels/rows.h"
#include "cpp/kernels/simd_math.h"

namespace lw::LIKEWISE_LEVEL {

void softmax_forward(const SoftmaxForward& k) {
  parallel_for(k.rows, rows_for(20 + 1.0 * static_cast<double>(k.n)), [&](i64 begin, i64 end) {
    for (i64 row = begin; row < end; ++row) {
      const float* x = k.x + row * k.n;
      float* y = k.y + row * k.n;
      const float largest = largest_of(x, k.n);
      if (k.logarithm) {
        const float total = sum_over(k.n, [&](i64 j, auto lanes) { return exp(lanes.load(x + j, lowest) - largest); });
        const Vec shift = log(Vec(total)) + largest;
        for_lanes(k.n, [&](i64 j, auto lanes) { lanes.store(y + j, lanes.load(x + j) - shift); });
      } else {
        const float total = sum_over(k.n, [&](i64 j, auto lanes) {
          const Vec e = exp(lanes.load(x + j, lowest) - largest);
          lanes.store(y + j, e);
          return e;
        });
        const Vec share = 1.f / total;
        for_lanes(k.n, [&](i64 j, auto lanes) { lanes.store(y + j, lanes.load(y + j) * share); });
      }
    }
  });
}

void softmax_backward(const SoftmaxBackward& k) {
  parallel_for(k.rows, rows_for(20 + 0.5 * static_cast<double>(k.n)), [&](i64 begin, i64 end) {
    for (i64 row = begin; row < end; ++row) {
      const float* y = k.y + row * k.n;
      const float* dy = k.dy + row * k.n;
      float* dx = k.dx + row * k.n;
      if (k.logarithm) {
        const Vec total = sum_over(k.n, [&](i64 j, auto lanes) { return lanes.load(dy + j); });
        for_lanes(k.n, [&](i64 j, auto lanes) {
          lanes.store(dx + j, fma(-exp(lanes.load(y + j)), total, lanes.load(dy + j)));
        });
      } else {
        const Vec total = sum_over(k.n, [&](i64 j, auto lanes) { return lanes.load(dy + j) * lanes.load(y + j); });
        for_lanes(k.n,
                  [&](i64 j, auto lanes) { lanes.store(dx + j, lanes.load(y + j) * (lanes.load(dy + j) - total)); });
      }
    }
  });
}

}  // namespace lw::LIKEWISE_LEVEL
