#include "cpp/ops/dropout.h"

#include "cpp/autograd/tape.h"
#include "cpp/backend/dispatch.h"
#include "cpp/ops/float32.h"

namespace lw::ops {
namespace {

Array dropped(const Array& x, float rate, u64 key, u64 offset) {
  Array out = empty(x.shape(), x.device());
  kernels(x.device()).dropout({rate, key, offset, x.count(), x.floats(), out.floats()});
  return out;
}

}  // namespace

Tensor dropout(const Tensor& any, float rate, u64 key, u64 offset) {
  const Tensor x = as_float32(any);
  expect(rate >= 0 && rate < 1, "dropout", "rate must be in [0, 1), got ", rate);
  return record("dropout", dropped(x.value(), rate, key, offset), {&x},
                [rate, key, offset](const Array& dy, Wants) -> Grads { return {dropped(dy, rate, key, offset)}; });
}

}  // namespace lw::ops
