#include <algorithm>

#include "cpp/ops/elementwise.h"
#include "cpp/ops/float32.h"

namespace lw::ops {
namespace {

// Integers are compared as float32, which holds them exactly up to 2^24; larger ones are refused.
Array comparable(const char* name, const Tensor& x) {
  constexpr i64 largest = i64{1} << 24;
  if (x.dtype() == DType::int64 || x.dtype() == DType::int32) {
    for (i64 i = 0; i < x.count(); ++i) {
      const i64 value = x.dtype() == DType::int64 ? x.value().data<i64>()[i] : x.value().data<i32>()[i];
      expect(value <= largest && value >= -largest, name, "integers must be within 2^24, got ", value);
    }
  }
  return as_float32(x).value();
}

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
