// One training step of matrix factorization over a batch: score, loss, gradient and update of the rows it touches.
#pragma once

#include "cpp/core/types.h"

namespace lw {

// Losses of a positive item (score s) against its negatives (scores t_1..t_n):
//   bpr      1/n sum_k softplus(t_k - s)                (Rendle et al., UAI 2009)
//   bce      softplus(-s) + sum_k softplus(t_k)
//   softmax  log(e^s + sum_k e^t_k) - s
//   squared  (s - rating)^2, no negatives
enum class FactorizationLoss : u8 { bpr, bce, softmax, squared };

// Rules for one row with gradient g:
//   sgd      w -= rate g
//   adagrad  v += g^2                                    w -= rate g / (sqrt(v) + epsilon)
//   adam     m += (1 - b1)(g - m)   v += (1 - b2)(g^2 - v)   w -= rate m / (sqrt(v) + epsilon)
// Adam's corrections for the first steps are in `rate` and `epsilon`.
enum class RowRule : u8 { sgd, adagrad, adam };

struct RowUpdate {
  RowRule rule;
  float rate, epsilon, beta1, beta2;
};

// A table and the optimizer's moments, null where the rule has none.
struct RowTable {
  i64 rows, dim;
  float* values;  // [rows, dim]
  float* first;   // [rows, dim]
  float* second;  // [rows, dim]
};

// The samples of a batch in the order of their users, and the same (sample, item) entries in the order of their items.
// Entry e = position * (1 + negatives) + slot; slot 0 is the positive.
struct FactorizationBatch {
  i64 positions, negatives;
  const i32* items;       // [positions, 1 + negatives]
  const float* ratings;   // [positions], or null
  i64 users;              // distinct
  const i32* user;        // [users] ascending rows of the user table
  const i32* user_begin;  // [users + 1] into positions
  i64 distinct_items;
  const i32* item;            // [distinct_items] ascending rows of the item table
  const i32* item_begin;      // [distinct_items + 1] into entries
  const i32* item_positives;  // [distinct_items] how many of its entries are positives
  const i32* entry;           // [entries] ascending within an item
  const i32* entry_user;      // [entries] index into user
};

// Score of user u and item i: p_u q_i + b_u + c_i + offset. A row's gradient is the sum over the batch of the losses'
// gradients and of decay * row: decay_user for every position, decay_positive and decay_negative for every entry.
// Scores and gradients are those of the parameters before the step. `dense` moves the rows outside the batch too, by a
// gradient of zero.
struct FactorizationStep {
  FactorizationBatch batch;
  FactorizationLoss loss;
  RowUpdate update;
  bool dense;
  bool frozen_items;  // the users' rows alone are moved
  float offset;
  float decay_user, decay_positive, decay_negative;
  RowTable users, items;              // dim columns
  RowTable user_biases, item_biases;  // one column, or null values
  double* total_loss;                 // the batch's sum, without decay, is added to it
};

}  // namespace lw
