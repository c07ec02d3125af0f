// Items a user has not seen, drawn at random.
#pragma once

#include <vector>

#include "cpp/core/types.h"

namespace lw {

// Which items each user has seen: a bitmap where users x items fit into 64 MiB, else the user's sorted items.
class SeenItems {
 public:
  SeenItems(const i64* indptr, const i32* items, i64 n_users, i64 n_items);

  bool contains(i32 user, i32 item) const;
  // Starts the reads that contains(user, item) will need.
  void prefetch(i32 user, i32 item) const;
  i64 count(i32 user) const { return begin_[user + 1] - begin_[user]; }

 private:
  i64 words_per_user_ = 0;  // 0: no bitmap
  std::vector<u64> bits_;
  std::vector<i64> begin_;  // [users + 1] into items_
  std::vector<i32> items_;  // each user's own, ascending, without repeats
};

// items[b, slot] for slot = 1..negatives: uniform over the items users[b] has not seen, a function of (key, rows[b],
// slot, attempt) alone. A user who has seen everything, or whom `most_attempts` draws did not serve, gets the last
// draw.
struct NegativeDraw {
  u64 key;
  i64 count, negatives;
  const i64* rows;   // [count]
  const i32* users;  // [count]
  i32* items;        // [count, 1 + negatives]
};
void draw_negatives(const SeenItems& seen, u32 n_items, const NegativeDraw& draw);

}  // namespace lw
