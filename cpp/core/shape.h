// A shape: up to eight sizes, kept in place.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <ostream>

#include "cpp/core/check.h"
#include "cpp/core/types.h"

namespace lw {

class Shape {
 public:
  static constexpr i64 max_rank = 8;

  Shape() = default;
  Shape(std::initializer_list<i64> sizes) : Shape(sizes.begin(), sizes.size()) {}
  Shape(const i64* sizes, std::size_t rank) : rank_(static_cast<i64>(rank)) {
    expect(rank_ <= max_rank, "shape", "at most ", max_rank, " dimensions are supported, got ", rank_);
    std::copy_n(sizes, rank_, sizes_);
    for (i64 size : *this) expect(size >= 0, "shape", "sizes must be >= 0, got ", size);
  }

  i64 rank() const { return rank_; }
  // At most 2^59, so that no count of bytes overflows.
  i64 count() const {
    i64 product = 1;
    bool fits = true;
    for (i64 size : *this) {
      if (size == 0) return 0;
      fits = fits && !__builtin_mul_overflow(product, size, &product);
    }
    expect(fits && product <= i64{1} << 59, "shape", "an array of so many elements is beyond any memory");
    return product;
  }
  const i64* begin() const { return sizes_; }
  const i64* end() const { return sizes_ + rank_; }
  // Negative axes count from the end, as in NumPy.
  i64 axis(i64 index) const {
    expect(index >= -rank_ && index < rank_, "shape", "axis ", index, " is out of range for ", rank_, " dimensions");
    return index < 0 ? index + rank_ : index;
  }
  i64 operator[](i64 index) const { return sizes_[axis(index)]; }
  void set(i64 index, i64 size) { sizes_[axis(index)] = size; }
  void push_back(i64 size) {
    expect(rank_ < max_rank, "shape", "at most ", max_rank, " dimensions are supported");
    sizes_[rank_++] = size;
  }

  bool operator==(const Shape& other) const {
    return rank_ == other.rank_ && std::equal(begin(), end(), other.begin());
  }

 private:
  i64 rank_ = 0;
  i64 sizes_[max_rank] = {};
};

inline Shape with_last(Shape shape, i64 size) {
  shape.set(-1, size);
  return shape;
}

inline std::ostream& operator<<(std::ostream& out, const Shape& shape) {  // (2, 3), as Python prints it
  out << '(';
  for (i64 axis = 0; axis < shape.rank(); ++axis) out << (axis ? ", " : "") << shape[axis];
  return out << (shape.rank() == 1 ? ",)" : ")");
}

}  // namespace lw
