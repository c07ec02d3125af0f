#pragma once

#include "cpp/autograd/tensor.h"
#include "cpp/ops/grid.h"

namespace lw::ops {

// The greatest, or the mean, of each pool: x [batch, places.., channels] over a grid of one or two directions.
Tensor max_pool(const Tensor& x, const Shape& pool, const Shape& strides, Padding padding);
Tensor average_pool(const Tensor& x, const Shape& pool, const Shape& strides, Padding padding);

}  // namespace lw::ops
