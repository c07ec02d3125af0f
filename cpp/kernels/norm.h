// Layer normalisation of rows (Ba et al., 2016).
#pragma once

#include "cpp/core/types.h"

namespace lw {

// y = gamma (x - mean) / sqrt(variance + epsilon) + beta
struct LayerNormForward {
  i64 rows, n;
  float epsilon;
  const float* x;      // [rows, n]
  const float* gamma;  // [n], or null for 1
  const float* beta;   // [n], or null for 0
  float* y;            // [rows, n]
  float* mean;         // [rows]
  float* scale;        // [rows], 1 / sqrt(variance + epsilon)
};

// With h = (x - mean) scale and g = gamma dy:
//   dx = s + scale (g - mean(g) - h mean(g h))    dgamma = sum over rows of dy h    dbeta = sum over rows of dy
// with s the gradient x has already.
struct LayerNormBackward {
  i64 rows, n;
  const float* x;
  const float* gamma;
  const float* mean;
  const float* scale;
  const float* dy;
  const float* dx_so_far;  // or null; may be dx
  float* dx;               // or null
  float* dgamma;           // or null; added to
  float* dbeta;            // or null; added to
};

}  // namespace lw
