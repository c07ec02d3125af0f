#pragma once

#include "cpp/autograd/tensor.h"

namespace lw::ops {

// exp(x) / sum exp(x) along an axis, and its logarithm; no overflow.
Tensor softmax(const Tensor& x, i64 axis);
Tensor log_softmax(const Tensor& x, i64 axis);

}  // namespace lw::ops
