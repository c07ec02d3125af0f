#include "cpp/ops/dropout.h"

#include "cpp/autograd/tape.h"
#include "cpp/backend/dispatch.h"
#include "cpp/ops/float32.h"
#include "cpp/ops/linear.h"

namespace lw {

Array dropped(const Array& x, const DropoutDraws& draws) {
  Array out = empty(x.shape(), x.device());
  kernels(x.device()).dropout({draws, x.count(), x.floats(), nullptr, out.floats()});
  return out;
}

namespace ops {

Tensor dropout(const Tensor& any, float rate, u64 key, u64 offset) {
  const Tensor x = as_float32(any);
  expect(rate >= 0 && rate < 1, "dropout", "rate must be in [0, 1), got ", rate);
  const DropoutDraws draws{rate, key, offset};
  if (const Tensor y = linear_with_dropout(x, draws); y.defined()) return y;
  return record("dropout", dropped(x.value(), draws), {&x},
                [draws](const Array& dy, Wants) -> Grads { return {dropped(dy, draws)}; });
}

}  // namespace ops
}  // namespace lw
