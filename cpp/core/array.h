// Array: storage, shape, dtype, device. What kernels, gradients and files see; always C-contiguous.
#pragma once

#include <memory>
#include <utility>

#include "cpp/core/check.h"
#include "cpp/core/shape.h"
#include "cpp/core/storage.h"

namespace lw {

class Array {
 public:
  Array() = default;
  Array(std::shared_ptr<Storage> storage, Shape shape, DType dtype, i64 byte_offset = 0)
      : storage_(std::move(storage)), shape_(shape), dtype_(dtype), byte_offset_(byte_offset) {}

  bool defined() const { return storage_ != nullptr; }
  explicit operator bool() const { return defined(); }

  const Shape& shape() const { return shape_; }
  i64 rank() const { return shape_.rank(); }
  i64 dim(i64 axis) const { return shape_[axis]; }
  i64 count() const { return shape_.count(); }
  i64 bytes() const { return count() * size_of(dtype_); }
  DType dtype() const { return dtype_; }
  Device device() const { return storage_->device(); }
  const std::shared_ptr<Storage>& storage() const { return storage_; }

  template <typename T>
  T* data() const {
    expect_type(dtype_of<T>() == dtype_, "array", "expected dtype ", name_of(dtype_of<T>()), ", got ", name_of(dtype_));
    return reinterpret_cast<T*>(raw());
  }
  float* floats() const { return data<float>(); }
  std::byte* raw() const { return storage_->data() + byte_offset_; }

  // The same elements under another shape.
  Array reshape(Shape shape) const;
  // [.., n] seen as [rows, n]; a vector is one row.
  Array rows() const;
  // Elements [begin, end) along the first axis, sharing storage.
  Array slice_rows(i64 begin, i64 end) const;
  Array copy() const;
  // Does nobody else hold these elements? Then they may be changed in place.
  bool sole() const { return storage_.use_count() == 1; }

 private:
  std::shared_ptr<Storage> storage_;
  Shape shape_;
  DType dtype_ = DType::float32;
  i64 byte_offset_ = 0;
};

inline float* floats_or_null(const Array& array) { return array ? array.floats() : nullptr; }

Array empty(const Shape& shape, Device device = Device::cpu, DType dtype = DType::float32);
Array zeros(const Shape& shape, Device device = Device::cpu, DType dtype = DType::float32);
Array full(const Shape& shape, float value, Device device = Device::cpu);

}  // namespace lw
