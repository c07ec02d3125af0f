#pragma once

#include "cpp/autograd/tensor.h"
#include "cpp/kernels/activation.h"
#include "cpp/ops/grid.h"

namespace lw::ops {

struct ConvOptions {
  Shape strides, dilation;  // one size for each direction of the grid
  Padding padding;
  i64 groups;
};

// activation(x * kernel + bias), channels last: x [batch, places.., channels] over a grid of one or two directions,
// kernel [taps.., channels / groups, filters], bias [filters] or undefined.
Tensor conv(const Tensor& x, const Tensor& kernel, const Tensor& bias, const ConvOptions& options,
            Activation activation);

}  // namespace lw::ops
