#include "cpp/ops/softmax.h"

#include <numeric>
#include <vector>

#include "cpp/autograd/tape.h"
#include "cpp/backend/dispatch.h"
#include "cpp/ops/float32.h"
#include "cpp/ops/layout.h"

namespace lw::ops {
namespace {

Tensor softmax_of_rows(const Tensor& x, bool logarithm) {
  const i64 n = x.dim(-1), rows = n == 0 ? 0 : x.count() / n;
  const Array y = empty(x.shape(), x.device());
  kernels(x.device()).softmax_forward({rows, n, logarithm, x.value().floats(), y.floats()});
  return record(
      logarithm ? "log_softmax" : "softmax", y, {&x},
      [rows, n, logarithm, y = saved(y)](const Array& dy, Wants) -> Grads {
        const Array dx = empty(dy.shape(), dy.device());
        kernels(dy.device()).softmax_backward({rows, n, logarithm, y.get().floats(), dy.floats(), dx.floats()});
        return {dx};
      });
}

Tensor along(const char* name, const Tensor& any, i64 axis, bool logarithm) {
  const Tensor x = as_float32(any);
  expect(axis >= -x.rank() && axis < x.rank(), name, "axis ", axis, " is out of range for shape ", x.shape());
  if (x.shape().axis(axis) == x.rank() - 1) return softmax_of_rows(x, logarithm);
  std::vector<i64> swapped(static_cast<std::size_t>(x.rank()));
  std::iota(swapped.begin(), swapped.end(), i64{0});
  std::swap(swapped[static_cast<std::size_t>(x.shape().axis(axis))], swapped.back());
  return transpose(softmax_of_rows(transpose(x, swapped), logarithm), swapped);
}

}  // namespace

Tensor softmax(const Tensor& x, i64 axis) { return along("softmax", x, axis, false); }
Tensor log_softmax(const Tensor& x, i64 axis) { return along("log_softmax", x, axis, true); }

}  // namespace lw::ops
