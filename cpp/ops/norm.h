#pragma once

#include "cpp/autograd/tensor.h"

namespace lw::ops {

// gamma (x - mean) / sqrt(variance + epsilon) + beta along the last axis; gamma and beta [n] or undefined.
Tensor layer_normalization(const Tensor& x, const Tensor& gamma, const Tensor& beta, float epsilon);
// x / sqrt(max(sum x^2, epsilon)) along the last axis.
Tensor l2_normalize(const Tensor& x, float epsilon);

struct BatchNormalized {
  Tensor y, mean, variance;  // the last two outside the graph
};
// gamma (x - mean) / sqrt(variance + epsilon) + beta with the mean and the variance of each channel, the last axis.
BatchNormalized batch_normalization(const Tensor& x, const Tensor& gamma, const Tensor& beta, float epsilon);

}  // namespace lw::ops
