// Items a user has not seen, drawn at random.
#pragma once

#include <algorithm>
#include <vector>

#include "cpp/core/array.h"

namespace lw {

// Which items each user has seen: a bitmap where users x items fit into 64 MiB, else the user's sorted items.
class SeenItems {
 public:
  SeenItems(const i64* indptr, const i32* items, i64 n_users, i64 n_items);

  bool contains(i32 user, i32 item) const {
    if (words_per_user_ > 0) return *word(user, item) >> (item & 63) & 1;
    return std::binary_search(items_.begin() + begin_[user], items_.begin() + begin_[user + 1], item);
  }
  // Starts the reads that contains(user, item) will need.
  void prefetch(i32 user, i32 item) const {
    if (words_per_user_ > 0)
      __builtin_prefetch(word(user, item));
    else
      __builtin_prefetch(items_.data() + (begin_[user] + begin_[user + 1]) / 2);
  }
  i64 count(i32 user) const { return begin_[user + 1] - begin_[user]; }

 private:
  i64* word(i32 user, i32 item) const { return bits_.data<i64>() + user * words_per_user_ + (item >> 6); }

  i64 words_per_user_ = 0;  // 0: no bitmap
  Array bits_;              // int64 [users, words]
  std::vector<i64> begin_;  // [users + 1] into items_
  std::vector<i32> items_;  // each user's own, ascending, without repeats
};

// drawn[b, slot]: uniform over the items users[b] has not seen, or over all with `draw_seen`; a function of (key,
// place, attempt) alone, where `place` = (first + b) * negatives + slot counts the negatives of an epoch. A user who
// has seen everything, or whom `most_attempts` draws did not serve, gets the last draw.
struct NegativeDraw {
  u64 key;
  i64 first;  // samples of the epoch before these
  i64 count, negatives;
  bool draw_seen;
  const i32* users;  // [count]
  i32* drawn;        // [count, negatives]
};
void draw_negatives(const SeenItems& seen, u32 n_items, const NegativeDraw& draw);

}  // namespace lw
