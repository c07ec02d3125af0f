// Softmax of rows.
#pragma once

#include "cpp/core/types.h"

namespace lw {

// y = exp(x - m) / sum exp(x - m) with m the largest of the row; or its logarithm, x - m - log sum exp(x - m).
struct SoftmaxForward {
  i64 rows, n;
  bool logarithm;
  const float* x;
  float* y;
};

// dx = y (dy - sum dy y); of the logarithm, dx = dy - exp(y) sum dy.
struct SoftmaxBackward {
  i64 rows, n;
  bool logarithm;
  const float* y;
  const float* dy;
  float* dx;
};

}  // namespace lw
