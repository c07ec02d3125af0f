// The solves of alternating least squares, one small system a row: exact, or some steps of conjugate gradient.
#pragma once

#include "cpp/core/types.h"

namespace lw {

// For every row u with history H(u), weights w_h (1 where `weights` is null) and other side's vectors q_h:
//   (gram + sum_h w_h q_h q_h' + ridge_u I) p_u = sum_h w_h q_h        explained_u = p_u sum_h w_h q_h
// by a Cholesky factorization; a matrix that is not positive definite gives NaN.
struct LeastSquares {
  i64 rows, dim;
  const float* others;   // [others, dim]
  const float* gram;     // [dim, dim]
  const i64* begin;      // [rows + 1] into history
  const i32* history;    // rows of others
  const float* weights;  // as history, or null
  const float* ridge;    // [rows]
  float* out;            // [rows, dim]
  double* explained;     // [rows]
};

// The same systems A p = b by steps of conjugate gradient from the vectors that `out` holds; A is never formed:
//   A v = gram v + ridge v + sum_h w_h (q_h v) q_h        r = b - A p, d = r, then each step
//   a = r r / d A d        p += a d        r' = r - a A d        d = r' + (r' r' / r r) d
// explained_u = 2 p b - p A p, which is p b at the solution and which a step raises by a r r; NaN where d A d <= 0.
struct ConjugateGradient {
  LeastSquares systems;
  i64 steps;
};

}  // namespace lw
