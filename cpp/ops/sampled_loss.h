// Losses over a target and a few sampled items instead of the whole catalogue.
#pragma once

#include <optional>

#include "cpp/autograd/tensor.h"

namespace lw::ops {

// Of states [.., dim], table [items, dim], targets [..], negatives [.., m] or [m], which all positions then share, bias
// [items] and weights [..]; bias, weights and log_q may be undefined. The mean over positions, weighted, of the losses
// of cpp/kernels/sampled_loss.h; a position whose target is `ignored` is left out.

// With log_q [items] each score is lowered by its item's.
Tensor sampled_softmax_loss(const Tensor& states, const Tensor& table, const Tensor& targets, const Tensor& negatives,
                            const Tensor& bias, const Tensor& log_q, const Tensor& weights, std::optional<i64> ignored);
Tensor gbce_loss(const Tensor& states, const Tensor& table, const Tensor& targets, const Tensor& negatives,
                 const Tensor& bias, float beta, const Tensor& weights, std::optional<i64> ignored);
Tensor bpr_max_loss(const Tensor& states, const Tensor& table, const Tensor& targets, const Tensor& negatives,
                    const Tensor& bias, float regularization, std::optional<float> elu_alpha, const Tensor& weights,
                    std::optional<i64> ignored);

// The softmax of queries [n, dim] over items [n, dim], of which row r is the target of query r. Rows of the same id
// (ids [n], or undefined: all differ) are no negatives of each other; log_q [n], or undefined, lowers scores.
Tensor in_batch_softmax_loss(const Tensor& queries, const Tensor& items, const Tensor& ids, const Tensor& log_q);

}  // namespace lw::ops
