#include "cpp/ops/activation.h"

#include "cpp/autograd/tape.h"
#include "cpp/backend/dispatch.h"
#include "cpp/ops/float32.h"

namespace lw {

Array activation_forward(Activation activation, const Array& z, float alpha) {
  Array y = empty(z.shape(), z.device());
  kernels(z.device()).activation_forward({activation, alpha, z.count(), z.floats(), y.floats()});
  return y;
}

Array activation_backward(Activation activation, const Array& kept, const Array& dy, float alpha) {
  if (activation == Activation::linear) return dy;
  Array dz = empty(dy.shape(), dy.device());
  kernels(dy.device()).activation_backward({activation, alpha, dy.count(), kept.floats(), dy.floats(), dz.floats()});
  return dz;
}

namespace ops {

Tensor activation(const Tensor& any, Activation activation, float alpha) {
  const Tensor x = as_float32(any);
  const Array y = activation_forward(activation, x.value(), alpha);
  return record("activation", y, {&x},
                [activation, alpha, kept = saved(needs_input(activation) ? x.value() : y)](
                    const Array& dy, Wants) -> Grads { return {activation_backward(activation, kept, dy, alpha)}; });
}

}  // namespace ops
}  // namespace lw
