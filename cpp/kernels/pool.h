// Pooling over grids of places, channels last. One dimension is a grid of height 1.
#pragma once

#include "cpp/core/types.h"

namespace lw {

struct PoolShape {
  i64 batch, height, width, channels;  // of x
  i64 out_height, out_width;           // of y
  i64 pool_height, pool_width;
  i64 stride_height, stride_width;
  i64 pad_top, pad_left;  // places before the first row and column, which no pool counts
};

//   y_nijc = max over the places of pool (i, j) of x; the first of equal ones wins, NaN beats all
struct MaxPoolForward {
  PoolShape shape;
  const float* x;  // [batch, height, width, channels]
  float* y;        // [batch, out_height, out_width, channels]
  float* winner;   // of the same shape, or null: the number of the place within its pool, row by row
};

//   dx = sum of the dy it won
struct MaxPoolBackward {
  PoolShape shape;
  const float* dy;
  const float* winner;
  float* dx;
};

//   y_nijc = mean over the places of pool (i, j) that x has
struct AveragePoolForward {
  PoolShape shape;
  const float* x;
  float* y;
};

//   dx = sum over the pools it lies in of dy / places
struct AveragePoolBackward {
  PoolShape shape;
  const float* dy;
  float* dx;
};

}  // namespace lw
