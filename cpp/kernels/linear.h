// Gradients of a dense layer over many rows, from one pass over them.
#pragma once

#include "cpp/kernels/activation.h"

namespace lw {

// Of y = f(x W + b):
//   dz = f'(z) dy    dx = dz W^T    dW = x^T dz    db = sum of dz over rows
// Gradients that are null are not computed.
struct LinearBackward {
  i64 rows, in, out;
  const float* x;       // [rows, in]
  const float* kernel;  // [in, out]
  Activation activation;
  const float* kept;  // [rows, out]: z where needs_input(activation), else y
  const float* dy;    // [rows, out]
  float* dx;
  float* dkernel;
  float* dbias;
};

// Many rows, and a kernel so small that each slice of rows can hold a gradient of its own (measured; beyond, products
// one after the other are as fast).
constexpr bool linear_backward_pays(i64 rows, i64 in, i64 out) {
  return rows >= 1024 && in * out > 0 && in * out <= 8192;
}

}  // namespace lw
