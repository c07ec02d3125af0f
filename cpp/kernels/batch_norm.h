// Batch normalisation of channels, the last axis (Ioffe and Szegedy, 2015).
#pragma once

#include "cpp/core/types.h"

namespace lw {

// y = gamma (x - mean) / sqrt(variance + epsilon) + beta, mean and variance over the rows
struct BatchNormForward {
  i64 rows, n;
  float epsilon;
  const float* x;      // [rows, n]
  const float* gamma;  // [n], or null for 1
  const float* beta;   // [n], or null for 0
  float* y;            // [rows, n]
  float* mean;         // [n]
  float* variance;     // [n], divided by rows
};

// With s = 1 / sqrt(variance + epsilon) and h = (x - mean) s:
//   dgamma = sum over rows of dy h    dbeta = sum over rows of dy
//   dx = gamma s (dy - dbeta / rows - h dgamma / rows)
struct BatchNormBackward {
  i64 rows, n;
  float epsilon;
  const float* x;
  const float* gamma;
  const float* mean;
  const float* variance;
  const float* dy;
  float* dx;      // or null
  float* dgamma;  // [n]
  float* dbeta;   // [n]
};

}  // namespace lw
