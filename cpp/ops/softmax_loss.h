#pragma once

#include <optional>

#include "cpp/autograd/tensor.h"

namespace lw::ops {

// Mean over positions of  log sum_v exp(h . w_v + b_v) - (h . w_t + b_t):  states [.., dim], table [items, dim],
// targets
// [..], bias [items] or undefined, weights [..] or undefined; a position whose target is `ignored` is left out.
Tensor softmax_loss(const Tensor& states, const Tensor& table, const Tensor& targets, const Tensor& bias,
                    const Tensor& weights, std::optional<i64> ignored);

}  // namespace lw::ops
