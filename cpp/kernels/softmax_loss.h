// Softmax cross-entropy over a whole catalogue, whose scores [rows, items] are never held.
#pragma once

#include "cpp/core/types.h"

namespace lw {

// For row r with state h_r, target t_r and coefficient c_r (its weight over the sum of weights):
//   s_rv = h_r w_v + b_v     lse_r = log sum_v exp s_rv     loss_r = lse_r - s_r,t_r
//   p_rv = exp(s_rv - lse_r)     g_rv = c_r (p_rv - [v = t_r])
//   dh_r = sum_v g_rv w_v    dw_v = sum_r g_rv h_r    db_v = sum_r g_rv
struct SoftmaxLoss {
  i64 rows, items, dim;
  const float* states;        // [.., dim]
  const i64* state_of;        // [rows] the row of `states` (and of dstates) that row r is
  const float* table;         // [items, dim]
  const float* bias;          // [items], or null
  const i64* targets;         // [rows]
  const float* coefficients;  // [rows]
  float* log_sum_exp;         // [rows]
  float* losses;              // [rows]
  float* dstates;             // [.., dim], or null
  float* dtable;              // [items, dim], or null
  float* dbias;               // [items], or null
};

}  // namespace lw
