#pragma once

#include "cpp/autograd/tensor.h"
#include "cpp/kernels/activation.h"

namespace lw::ops {

// Zeros around the grid: none; as many as keep ceil(size / stride) places; all of those before the first place.
enum class Padding { valid, same, causal };

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
