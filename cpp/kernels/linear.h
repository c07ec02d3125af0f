// A dense layer over many rows and what follows it, in one pass over them; and its gradients, in another.
#pragma once

#include "cpp/kernels/activation.h"
#include "cpp/kernels/dropout.h"

namespace lw {

// y = r + D(f(x W + b)), D dropout
struct LinearForward {
  i64 rows, in, out;
  const float* x;       // [rows, in]
  const float* kernel;  // [in, out]
  const float* bias;    // [out], or null
  Activation activation;
  DropoutDraws dropout;
  const float* residual;  // [rows, out], or null
  float* y;
};

// Of the same, where f is linear if there is a residual, and linear or relu if there is dropout:
//   dz = f'(z) D(dy)    dx = s + dz W^T    dW = x^T dz    db = sum of dz over rows    dr = dy
// with s the gradient x has already. Gradients that are null are not computed.
struct LinearBackward {
  i64 rows, in, out;
  const float* x;       // [rows, in]
  const float* kernel;  // [in, out]
  Activation activation;
  const float* kept;  // [rows, out]: z where needs_input(activation), else y; null if f is linear
  DropoutDraws dropout;
  const float* dy;         // [rows, out]
  const float* dx_so_far;  // [rows, in], or null; may be dx
  float* dx;
  float* dkernel;
  float* dbias;
};

// Many rows, and a kernel so small that it stays in the first-level cache, and that each slice of rows can hold a
// gradient of its own (measured; beyond, products one after the other are as fast).
constexpr bool linear_pays(i64 rows, i64 in, i64 out) { return rows >= 1024 && in * out > 0 && in * out <= 8192; }

}  // namespace lw
