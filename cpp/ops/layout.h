// The same elements in another arrangement.
#pragma once

#include <optional>
#include <vector>

#include "cpp/autograd/tensor.h"

namespace lw::ops {

// One size may be -1: what is left.
Tensor reshape(const Tensor& x, const std::vector<i64>& shape);
// Axis i of the result is axis axes[i] of x; reversed if not given.
Tensor transpose(const Tensor& x, const std::optional<std::vector<i64>>& axes);
Tensor broadcast_to(const Tensor& x, const Shape& shape);
Tensor concatenate(const std::vector<Tensor>& tensors, i64 axis);

// `count` elements along an axis: begin, begin + step, ...
struct Slice {
  i64 begin, step, count;
};
// One slice for each axis, then the shape the result is given (NumPy's indices drop and add axes).
Tensor slice(const Tensor& x, const std::vector<Slice>& slices, const Shape& shape);

}  // namespace lw::ops
