// Steps of optimizers: each takes the gradient that backward left in a parameter, updates the parameter in place, and
// clears the gradient. A parameter without a gradient is left alone.
#pragma once

#include "cpp/autograd/tensor.h"

namespace lw::ops {

// What every optimizer does with a gradient before its own formula (kernels/optimizer.h).
struct StepOptions {
  float scale, limit;
  float l1, l2;
  float decay;
  bool exact;  // a row-sparse gradient updates every row, as if it were dense; else its rows only
};

// Sum of squares of the gradient, coalesced first if it is row-sparse; 0 without one.
double gradient_square_sum(const Tensor& parameter);

// State is as the parameter; undefined where an optimizer goes without.
void sgd_step(const Tensor& parameter, const StepOptions& options, float learning_rate, float momentum, bool nesterov,
              const Tensor& momentums);
void adagrad_step(const Tensor& parameter, const StepOptions& options, const Tensor& accumulator, float learning_rate,
                  float epsilon);
void rmsprop_step(const Tensor& parameter, const StepOptions& options, const Tensor& velocity, float learning_rate,
                  float rho, float momentum, float epsilon, const Tensor& average, const Tensor& momentums);
// `step` counts from 1.
void adam_step(const Tensor& parameter, const StepOptions& options, const Tensor& momentums, const Tensor& velocities,
               double learning_rate, double beta_1, double beta_2, float epsilon, i64 step, const Tensor& highest);

}  // namespace lw::ops
