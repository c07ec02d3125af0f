#include "cpp/ops/float32.h"

#include <algorithm>

namespace lw {
namespace {

template <typename From, typename To>
void convert(const Array& from, const Array& to) {
  std::transform(from.data<From>(), from.data<From>() + from.count(), to.data<To>(),
                 [](From value) { return static_cast<To>(value); });
}

template <typename To>
Array converted(const Array& array) {
  if (array.dtype() == dtype_of<To>()) return array;
  Array result = empty(array.shape(), array.device(), dtype_of<To>());
  switch (array.dtype()) {
    case DType::float32: convert<float, To>(array, result); break;
    case DType::int32: convert<i32, To>(array, result); break;
    case DType::int64: convert<i64, To>(array, result); break;
    case DType::boolean: convert<bool, To>(array, result); break;
    case DType::uint8: convert<u8, To>(array, result); break;
  }
  return result;
}

}  // namespace

Array converted_to_float32(const Array& array) { return converted<float>(array); }
Array as_int64(const Array& array) { return converted<i64>(array); }

Array comparable(const char* operation, const Tensor& x) {
  constexpr i64 largest = i64{1} << 24;
  if (x.dtype() == DType::int64 || x.dtype() == DType::int32) {
    for (i64 i = 0; i < x.count(); ++i) {
      const i64 value = x.dtype() == DType::int64 ? x.value().data<i64>()[i] : x.value().data<i32>()[i];
      expect(value <= largest && value >= -largest, operation, "integers must be within 2^24, got ", value);
    }
  }
  return as_float32(x).value();
}

}  // namespace lw
