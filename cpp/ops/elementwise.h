// Arithmetic, comparisons and elementary functions, with NumPy's broadcasting.
#pragma once

#include <initializer_list>

#include "cpp/autograd/tensor.h"
#include "cpp/kernels/elementwise.h"

namespace lw {

// The shape two arrays broadcast to; an error of `operation` if they do not.
Shape broadcast_shape(const char* operation, const Shape& a, const Shape& b);
// f of float32 arrays that broadcast to `shape`.
Array elementwise(Elementwise function, std::initializer_list<Array> inputs, const Shape& shape, float s = 0,
                  float t = 0);
// factor x; x itself where that is the same, or undefined.
Array scaled(const Array& x, float factor);
Array broadcast_to(const Array& x, const Shape& shape);
// The gradient of broadcasting: dy summed over the axes along which `shape` was repeated.
Array sum_to(const Array& dy, const Shape& shape);

namespace ops {

Tensor add(const Tensor& a, const Tensor& b);
Tensor subtract(const Tensor& a, const Tensor& b);
Tensor multiply(const Tensor& a, const Tensor& b);
Tensor divide(const Tensor& a, const Tensor& b);
Tensor power(const Tensor& base, const Tensor& exponent);
Tensor maximum(const Tensor& a, const Tensor& b);
Tensor minimum(const Tensor& a, const Tensor& b);
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);

// Comparisons give bool and have no gradient.
Tensor less(const Tensor& a, const Tensor& b);
Tensor less_equal(const Tensor& a, const Tensor& b);
Tensor equal(const Tensor& a, const Tensor& b);
Tensor not_equal(const Tensor& a, const Tensor& b);

Tensor negate(const Tensor& x);
Tensor absolute(const Tensor& x);
Tensor sign(const Tensor& x);
Tensor exp(const Tensor& x);
Tensor log(const Tensor& x);
Tensor log1p(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor square(const Tensor& x);
Tensor clip(const Tensor& x, float low, float high);

}  // namespace ops
}  // namespace lw
