// Convolution, activation and max-pooling as one operation: what no pool keeps is neither written nor sent gradients.
#pragma once

#include "cpp/kernels/conv.h"
#include "cpp/kernels/pool.h"

namespace lw {

//   y = max-pool(activation(x * w + b)), and which place of its pool each y comes from: see conv.h and pool.h
// There is one group of channels, and the activation's slope is a function of its value.
struct ConvPoolForward {
  ConvShape conv;
  PoolShape pool;  // over what the convolution gives
  const float* x;
  const float* w;
  const float* bias;  // or null
  Activation activation;
  float* y;       // [batch, pool.out_height, pool.out_width, filters]
  float* winner;  // of the same shape, or null
};

// Each y has one place (r, s) and filter f that it comes from. With dz = activation'(y) dy
//   dw_f += dz patch(r, s)    dpatch(r, s) += dz w_f    db_f += dz
// where dx begins as dx_so_far.
struct ConvPoolBackward {
  ConvShape conv;
  PoolShape pool;
  const float* x;
  const float* w;
  Activation activation;
  const float* y;
  const float* winner;
  const float* dy;
  const float* dx_so_far;  // or null; may be dx
  float* dx;               // null where not wanted
  float* dw;
  float* dbias;
};

}  // namespace lw
