// Losses with their gradients in one pass.
#pragma once

#include "cpp/core/types.h"

namespace lw {

// Of a prediction p and a target t:
enum class PointwiseLoss : u8 {
  squared,               // (p - t)^2
  absolute,              // |p - t|
  hinge,                 // max(1 - t p, 0); a target of 0 counts as -1
  binary_cross_entropy,  // -(t log p + (1 - t) log(1 - p)), p kept within 1e-7 of 0 and 1
  logistic,              // the same of sigmoid(p)
  pairwise_logistic,     // log(1 + e^-p): the target counts as 1
};

struct PointwiseLosses {
  PointwiseLoss kind;
  i64 rows, columns;
  const float* prediction;  // [rows, columns]
  const float* target;      // [rows, columns]; not read for pairwise_logistic
  const float* weight;      // [rows], or null for 1
  float* loss;              // [rows, columns], weighted
  float* slope;             // [rows, columns], weighted dloss/dp; or null
};

// Cross-entropy -sum_c t_c log p_c of rows of probabilities, or of logits: log sum_c exp(x_c) sum t - sum_c t_c x_c.
struct CategoricalLosses {
  bool from_logits;
  i64 rows, classes;
  const float* prediction;  // [rows, classes]
  const float* target;      // [rows, classes], or null where `label` is given
  const i64* label;         // [rows] in 0..classes - 1, or null
  const float* weight;      // [rows], or null for 1
  float* loss;              // [rows], weighted
  float* slope;             // [rows, classes], weighted; or null
};

}  // namespace lw
