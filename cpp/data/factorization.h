// Training of matrix factorization: batches are drawn and sorted many at a time, on all threads, then one fused step
// each.
#pragma once

#include <vector>

#include "cpp/core/array.h"
#include "cpp/data/batches.h"
#include "cpp/kernels/factorization.h"

namespace lw {

// A table with the moments of its optimizer; undefined arrays where there are none.
struct TrainedTable {
  Array values, first, second;  // [rows, dim], or [rows] for biases
};

struct FactorizationSettings {
  FactorizationLoss loss;
  RowRule rule;
  float learning_rate, beta1, beta2, epsilon;
  float l2;      // for the rows in the batch
  bool exact;    // Adam moves every row at every step, to the same bits as if it did so there and then
  float offset;  // added to every score
  bool frozen_items = false;
};

// One batch, sorted by user and by item.
class FactorizationPlan {
 public:
  void prepare(const Batches& batches, i64 epoch, i64 step);
  FactorizationBatch batch() const;

 private:
  Samples samples_;
  i64 negatives_ = 0;
  std::vector<i32> order_;      // [positions] the sample at a position
  std::vector<i32> items_;      // [positions, 1 + negatives]
  std::vector<float> ratings_;  // [positions], or empty
  std::vector<i32> origin_;     // [positions, 1 + negatives] 2 x index of the user, plus 1 for a positive
  std::vector<i32> user_, user_begin_, item_, item_begin_, item_positives_, entry_, entry_user_;
};

// Tables and their rule. With `exact`, rows outside a batch are moved later, but before anything reads them: no row is
// behind once `run` returns.
class Factorization {
 public:
  Factorization(TrainedTable users, TrainedTable items, TrainedTable user_biases, TrainedTable item_biases,
                FactorizationSettings settings);

  void set_learning_rate(float rate) { settings_.learning_rate = rate; }
  // Steps [first, last) of an epoch; `steps_before` is how many were made in all before `first`. Returns the summed
  // loss.
  double run(const Batches& batches, i64 epoch, i64 first, i64 last, i64 steps_before);

 private:
  RowUpdate update_at(i64 number) const;
  FactorizationStep step_with(const RowUpdate& update) const;

  TrainedTable users_, items_, user_biases_, item_biases_;
  FactorizationSettings settings_;
  std::vector<FactorizationPlan> plans_;
};

// Rows [users, dim + 1] for users who were not there at training: their vectors and, last, their biases (0 where the
// items have none), fitted to their own history against frozen items by `steps` whole-history steps of Adam whose rate
// falls to zero. A user's draws depend on the seed and the history alone, and so does the row.
struct NewUsers {
  Array indptr, items, ratings;  // int64 [users + 1], int32 [rows], float32 [rows] or undefined
  i64 negatives, steps;
  u64 seed;
};
Array fit_new_users(const NewUsers& users, const Array& item_vectors, const Array& item_biases,
                    FactorizationSettings settings);

}  // namespace lw
