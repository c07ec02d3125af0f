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

// C_o = the sum of A_p B_p over the pairs p of output o, in ascending order, for matrices that all have one shape.
struct GemmBatch {
  Gemm one;          // that shape, without bias; its pointers are to where arrays begin
  i64 outputs;       // one behind the other in C
  const i64* begin;  // [outputs + 1]: the pairs of each
  const i64 *a, *b;  // where the matrices of each pair begin, in floats
};

}  // namespace lw
