#pragma once

#include "cpp/autograd/tensor.h"
#include "cpp/kernels/activation.h"

namespace lw::ops {

// activation(x kernel + bias): x [.., in], kernel [in, out], bias [out] or undefined.
Tensor linear(const Tensor& x, const Tensor& kernel, const Tensor& bias, Activation activation);

}  // namespace lw::ops
