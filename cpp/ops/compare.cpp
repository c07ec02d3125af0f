#include <algorithm>

#include "cpp/ops/elementwise.h"
#include "cpp/ops/float32.h"

namespace lw::ops {
namespace {

Tensor compare(const char* name, Elementwise function, const Tensor& a, const Tensor& b) {
  const Shape shape = broadcast_shape(name, a.shape(), b.shape());
  const Array ones = elementwise(function, {comparable(name, a), comparable(name, b)}, shape);
  Array result = empty(shape, ones.device(), DType::boolean);
  std::transform(ones.floats(), ones.floats() + ones.count(), result.data<bool>(), [](float one) { return one != 0; });
  return Tensor(result);
}

}  // namespace

Tensor less(const Tensor& a, const Tensor& b) { return compare("less", Elementwise::less, a, b); }
Tensor less_equal(const Tensor& a, const Tensor& b) { return compare("less_equal", Elementwise::less_equal, a, b); }
Tensor equal(const Tensor& a, const Tensor& b) { return compare("equal", Elementwise::equal, a, b); }
Tensor not_equal(const Tensor& a, const Tensor& b) { return compare("not_equal", Elementwise::not_equal, a, b); }

}  // namespace lw::ops
