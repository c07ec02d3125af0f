// C = epilogue(A B + beta C), row-major with leading strides.
#pragma once

#include "cpp/core/types.h"
#include "cpp/kernels/activation.h"

namespace lw {

struct Gemm {
  i64 m, n, k;
  const float* a;  // [m, k], or [k, m] when transpose_a
  i64 lda;
  bool transpose_a;
  const float* b;  // [k, n], or [n, k] when transpose_b
  i64 ldb;
  bool transpose_b;
  float* c;  // [m, n]
  i64 ldc;
  bool accumulate;    // add to C instead of overwriting it
  const float* bias;  // [n], or null
  Activation activation;
};

}  // namespace lw
