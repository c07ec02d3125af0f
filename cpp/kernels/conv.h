// Convolution over grids of places, channels last (LeCun et al., 1989). One dimension is a grid of height 1.
#pragma once

#include "cpp/core/types.h"
#include "cpp/kernels/activation.h"

namespace lw {

// Filters of group g see the channels of group g alone.
struct ConvShape {
  i64 batch, height, width, channels;  // of x
  i64 out_height, out_width, filters;  // of y
  i64 kernel_height, kernel_width;
  i64 stride_height, stride_width;
  i64 dilation_height, dilation_width;
  i64 pad_top, pad_left;  // zeros before the first row and column; how many follow the last is what y needs
  i64 groups;
};

//   y_nijf = activation(bias_f + sum over a, b, c of x_{n, i sh + a dh - top, j sw + b dw - left, c} w_abcf)
struct ConvForward {
  ConvShape shape;
  const float* x;     // [batch, height, width, channels]
  const float* w;     // [kernel_height, kernel_width, channels / groups, filters]
  const float* bias;  // [filters], or null
  float* y;           // [batch, out_height, out_width, filters]
  Activation activation;
};

// With dz = activation'(z) dy
//   dx_nrsc = sum over a, b, f and the i, j with i sh + a dh - top = r, j sw + b dw - left = s of dz_nijf w_abcf
//   dw_abcf = sum over n, i, j of x_{n, i sh + a dh - top, j sw + b dw - left, c} dz_nijf
//   db_f = sum over n, i, j of dz_nijf
// where dx begins as dx_so_far.
struct ConvBackward {
  ConvShape shape;
  const float* x;
  const float* w;
  Activation activation;
  const float* kept;  // z where needs_input(activation), else y
  const float* dy;
  const float* dx_so_far;  // or null; may be dx
  float* dx;               // null where not wanted
  float* dw;
  float* dbias;
};

}  // namespace lw
