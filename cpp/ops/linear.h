#pragma once

#include "cpp/autograd/tensor.h"
#include "cpp/kernels/activation.h"
#include "cpp/kernels/dropout.h"

namespace lw::ops {

// activation(x kernel + bias): x [.., in], kernel [in, out], bias [out] or undefined.
Tensor linear(const Tensor& x, const Tensor& kernel, const Tensor& bias, Activation activation);

// What comes next to `result`, in one go with it; undefined if that is no dense layer that was put off, or the layer
// cannot take it.
Tensor linear_with_dropout(const Tensor& result, const DropoutDraws& draws);
Tensor linear_with_residual(const Tensor& result, const Tensor& residual);

}  // namespace lw::ops
