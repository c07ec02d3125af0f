#include "cpp/core/array.h"

#include <algorithm>
#include <cstring>

namespace lw {

Array Array::reshape(Shape shape) const {
  expect(shape.count() == count(), "reshape", "cannot see ", shape_, " with ", count(), " elements as ", shape);
  return Array(storage_, shape, dtype_, byte_offset_);
}

Array Array::rows() const {
  if (rank() == 2) return *this;
  const i64 last = rank() == 0 ? 1 : dim(-1);
  i64 count = 1;
  for (i64 axis = 0; axis + 1 < rank(); ++axis) count *= dim(axis);
  return Array(storage_, Shape{count, last}, dtype_, byte_offset_);
}

Array Array::slice_rows(i64 begin, i64 end) const {
  expect(0 <= begin && begin <= end && end <= dim(0), "slice", "rows ", begin, " to ", end, " of ", dim(0));
  Shape shape = shape_;
  const i64 row_bytes = dim(0) == 0 ? 0 : bytes() / dim(0);
  shape.set(0, end - begin);
  return Array(storage_, shape, dtype_, byte_offset_ + begin * row_bytes);
}

Array Array::copy() const {
  Array result = empty(shape_, device(), dtype_);
  if (bytes() > 0) std::memcpy(result.raw(), raw(), static_cast<std::size_t>(bytes()));
  return result;
}

Array empty(const Shape& shape, Device device, DType dtype) {
  return Array(std::make_shared<Storage>(shape.count() * size_of(dtype), device), shape, dtype);
}

Array zeros(const Shape& shape, Device device, DType dtype) {
  Array result = empty(shape, device, dtype);
  std::memset(result.raw(), 0, static_cast<std::size_t>(result.bytes()));
  return result;
}

Array full(const Shape& shape, float value, Device device) {
  Array result = empty(shape, device);
  std::fill_n(result.floats(), result.count(), value);
  return result;
}

}  // namespace lw
