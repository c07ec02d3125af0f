// Steps of optimizers: one pass over what changes. Names and formulas are Keras'.
#pragma once

#include "cpp/core/types.h"

namespace lw {

// What a step changes, and the gradient it is given: all of [rows, dim], or the rows `ids` of it. Without `every_row`
// only those rows are touched; with it the others are updated too, by a gradient of zero, and the result is that of the
// same gradient made dense.
//   p <- p - decay p        g = clamp(scale g, -limit, limit) + l2 p + l1 sign p
struct Update {
  i64 rows, dim;
  float* parameter;       // [rows, dim]
  const float* gradient;  // [rows, dim], or [gradient_rows, dim]
  const i64* ids;         // [gradient_rows], ascending, none twice; or null
  i64 gradient_rows;
  bool every_row;
  float scale, limit;  // clipping by norm, by value
  float l1, l2;        // coupled: part of the gradient
  float decay;         // decoupled: learning rate times weight decay
};

struct SgdStep {  // m <- momentum m - lr g    p <- p + (nesterov ? momentum m - lr g : m)
  Update update;
  float* momentums;  // as the parameter, or null
  float learning_rate, momentum;
  bool nesterov;
};

struct AdagradStep {  // a <- a + g^2    p <- p - lr g / sqrt(a + epsilon)
  Update update;
  float* accumulator;
  float learning_rate, epsilon;
};

// v <- rho v + (1 - rho) g^2    [a <- rho a + (1 - rho) g]    u = lr g / sqrt(v [- a^2] + epsilon)
// p <- p - u, or, with momentum, m <- momentum m + u    p <- p - m
struct RmspropStep {
  Update update;
  float* velocity;
  float* average;    // or null: not centered
  float* momentums;  // or null
  float learning_rate, rho, momentum, epsilon;
};

// m <- m + (g - m)(1 - beta_1)    v <- v + (g^2 - v)(1 - beta_2)    [v^ <- max(v^, v)]
// p <- p - alpha m / (sqrt(v [v^]) + epsilon)    alpha = lr sqrt(1 - beta_2^t) / (1 - beta_1^t)
struct AdamStep {
  Update update;
  float* momentums;
  float* velocities;
  float* highest;  // or null: not AMSGrad
  float alpha, one_minus_beta_1, one_minus_beta_2, epsilon;
};

// *result = sum x^2, in fixed parts added in order
struct SumSquares {
  i64 count;
  const float* x;
  double* result;
};

}  // namespace lw
