#pragma once

#include <memory>

#include "cpp/autograd/tensor.h"
#include "cpp/kernels/activation.h"
#include "cpp/kernels/conv.h"
#include "cpp/kernels/pool.h"
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

// A convolution that was put off, and what max-pooling does of it in one go: `y` is the shape of the result.
struct DeferredConv;
std::shared_ptr<const DeferredConv> deferred_conv(const Tensor& result);  // null if it is none, or is done already
Tensor conv_max_pool(const DeferredConv& conv, const PoolShape& pool, const Shape& y);

}  // namespace lw::ops
