// Arithmetic is float32: labels, counts and masks given as integers or booleans are converted.
#pragma once

#include "cpp/autograd/tensor.h"

namespace lw {

Array converted_to_float32(const Array& array);
Array as_int64(const Array& array);  // of integers or booleans; the same array if it is int64

// float32 holds integers exactly up to 2^24; where their order matters, larger ones are refused.
Array comparable(const char* operation, const Tensor& x);

inline Tensor as_float32(const Tensor& x) {
  return x.dtype() == DType::float32 ? x : Tensor(converted_to_float32(x.value()));
}

}  // namespace lw
