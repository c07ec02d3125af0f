// One epoch of a log: its rows in random order, cut into batches, each row a positive with its negatives. Every draw is
// a pure function of the seed and what it is for, so any batch can be made at any time, on any thread.
#pragma once

#include <vector>

#include "cpp/core/array.h"
#include "cpp/data/negatives.h"

namespace lw {

// A permutation of {0, ..., count - 1} without a table: a Feistel network over the next power of two, walked until it
// lands inside (Black and Rogaway, CT-RSA 2002).
class Permutation {
 public:
  Permutation(i64 count, u64 key);
  i64 operator[](i64 position) const {
    u64 x = static_cast<u64>(position);
    do x = scramble(x);
    while (x >= count_);
    return static_cast<i64>(x);
  }

 private:
  u64 scramble(u64 x) const;

  u64 count_;
  int low_bits_, high_bits_;
  u64 keys_[4];
};

// The samples of one batch: for sample b the row of the log, its user, and 1 + negatives items, the positive first.
struct Samples {
  i64 count = 0;
  std::vector<i64> rows;       // [count]
  std::vector<i32> users;      // [count]
  std::vector<i32> items;      // [count, 1 + negatives]
  std::vector<float> ratings;  // [count], empty for a log without ratings
  std::vector<i32> negatives;  // [count, negatives], as they stand in items
};

struct BatchSettings {
  i64 batch_size;
  i64 negatives;  // per positive
  u64 seed;
  bool draw_seen = false;  // negatives may be items the log has for the user
};

class Batches {
 public:
  // A log in CSR order by user: indptr int64 [users + 1], items int32 [rows], ratings float32 [rows] or undefined.
  Batches(const Array& indptr, const Array& items, const Array& ratings, i64 n_items, BatchSettings settings);

  i64 n_users() const { return n_users_; }
  i64 n_items() const { return n_items_; }
  bool has_ratings() const { return static_cast<bool>(ratings_); }
  i64 rows() const { return pairs_.dim(0); }
  i64 steps() const { return (rows() + settings_.batch_size - 1) / settings_.batch_size; }
  const BatchSettings& settings() const { return settings_; }

  // Batch `step` of `epoch`; the last one of an epoch may be short.
  void draw(i64 epoch, i64 step, Samples& samples) const;

 private:
  i64 n_users_, n_items_;
  BatchSettings settings_;
  Array pairs_;    // int32 [rows, 2], user and item side by side: one read of memory for both
  Array ratings_;  // float32 [rows], or undefined
  SeenItems seen_;
};

}  // namespace lw
