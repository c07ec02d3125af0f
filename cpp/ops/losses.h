// Losses of (prediction, target). Their gradient is made in the forward pass.
#pragma once

#include "cpp/autograd/tensor.h"
#include "cpp/kernels/losses.h"

namespace lw::ops {

enum class LossReduction : u8 { mean, sum, none };

// `target` has the shape of `prediction`, or lacks its last axis of size 1; `weight` has its leading sizes, or is
// undefined. The mean is over all values, whatever their weights.
Tensor pointwise_loss(const char* name, PointwiseLoss kind, const Tensor& prediction, const Tensor& target,
                      const Tensor& weight, LossReduction reduction);
// Rows are along the last axis; `target` has the shape of `prediction`.
Tensor categorical_cross_entropy(const Tensor& prediction, const Tensor& target, const Tensor& weight, bool from_logits,
                                 LossReduction reduction);
// `target` numbers the class of each row.
Tensor sparse_categorical_cross_entropy(const Tensor& prediction, const Tensor& target, const Tensor& weight,
                                        bool from_logits, LossReduction reduction);
// -log sigmoid(positive - negative), broadcast.
Tensor bpr(const Tensor& positive, const Tensor& negative, const Tensor& weight, LossReduction reduction);

}  // namespace lw::ops
