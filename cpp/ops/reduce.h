// Sums, means and extremes over axes. No axes given means all of them.
#pragma once

#include <optional>
#include <vector>

#include "cpp/autograd/tensor.h"
#include "cpp/kernels/reduce.h"

namespace lw {

// `x` without `axes`, which are distinct, ascending and not negative.
Array reduce_axes(Reduction reduction, const Array& x, const std::vector<i64>& axes);
Array sum_rows(const Array& x);  // [rows, n] -> [n]

namespace ops {

using Axes = std::optional<std::vector<i64>>;

Tensor sum(const Tensor& x, const Axes& axes, bool keepdims);
Tensor mean(const Tensor& x, const Axes& axes, bool keepdims);
Tensor variance(const Tensor& x, const Axes& axes, bool keepdims);  // divided by n
// Elements that tie for the extreme share its gradient equally.
Tensor max(const Tensor& x, const Axes& axes, bool keepdims);
Tensor min(const Tensor& x, const Axes& axes, bool keepdims);
// The first index of the largest element along an axis, or of all elements in C order; int64.
Tensor argmax(const Tensor& x, std::optional<i64> axis, bool keepdims);

}  // namespace ops
}  // namespace lw
