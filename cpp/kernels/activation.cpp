#include "cpp/kernels/activation.h"

#include "cpp/core/parallel.h"
#include "cpp/kernels/activate.h"

namespace lw::LIKEWISE_LEVEL {

constexpr i64 elements_per_task = 16'384;

// y = f(z)
void activation_forward(const ActivationForward& k) {
  with_activation(k.activation, [&](auto one) {
    parallel_for(k.count, elements_per_task, [&](i64 begin, i64 end) {
      for_lanes(end - begin, [&](i64 j, auto lanes) {
        lanes.store(k.y + begin + j, decltype(one)::value(lanes.load(k.z + begin + j), k.alpha));
      });
    });
  });
}

// dz = f'(z) dy
void activation_backward(const ActivationBackward& k) {
  parallel_for(k.count, elements_per_task, [&](i64 begin, i64 end) {
    slopes(k.activation, k.alpha, k.kept + begin, k.dy + begin, end - begin, k.dz + begin);
  });
}

}  // namespace lw::LIKEWISE_LEVEL
