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
// Scores and gradients are those of the parameters before the step. Rows outside the batch stay as they are.
struct FactorizationStep {
  FactorizationBatch batch;
  FactorizationLoss loss;
  RowUpdate update;
  bool frozen_items;  // the users' rows alone are moved
  float offset;
  float decay_user, decay_positive, decay_negative;
  RowTable users, items;              // dim columns
  RowTable user_biases, item_biases;  // one column, or null values
  double* total_loss;                 // the batch's sum, without decay, is added to it
};

// Makes up for steps of Adam in which rows had no gradient, as the rule above moves a row with g = 0: such a step
// depends on the row and the step's rate alone, so it can be made at any time before the row is read. The bits are
// those of moving every row at every step.
struct RowCatchUp {
  RowTable table, biases;    // the biases of the same rows: one column, or null values
  const RowUpdate* updates;  // [until], all of Adam with the same betas
  i64 until;                 // steps [made[row], until) are made
  const i32* rows;           // [count] ascending, or null for all rows of the table
  i64 count;
  i32* made;  // [table.rows] how many of the steps a row has made; set to made_after
  i32 made_after;
  // Not below any rate and not above any epsilon of `updates`: they bound the moves still to come.
  float highest_rate, lowest_epsilon;
};

}  // namespace lw
