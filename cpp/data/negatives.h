// Items a user has not seen, drawn at random.
#pragma once

#include "cpp/core/array.h"

namespace lw {

// Which items each user has seen: a bitmap where users x items fit into 64 MiB, else the user's sorted items.
class SeenItems {
 public:
  SeenItems(const i64* indptr, const i32* items, i64 n_users, i64 n_items);

  bool contains(i32 user, i32 item) const {
    if (words_per_user_ > 0) return *word(user, item) >> (item & 63) & 1;
    // The last item that is not above `item`; no branch on the items, which are hard to guess.
    const i32* first = items_ + begin_[user];
    for (i64 left = count(user); left > 1;) {
      const i64 half = left / 2;
      first += first[half] <= item ? half : 0;
      left -= half;
    }
    return count(user) > 0 && *first == item;
  }
  // Start the read that prefetch(user, item) will need, and the one that contains(user, item) will. (Not left to the
  // compiler to inline: GCC 12 takes a function that only prefetches for one without effect, and drops its calls.)
  [[gnu::always_inline]] void prefetch(i32 user) const {
    if (words_per_user_ == 0) __builtin_prefetch(begin_ + user);
  }
  [[gnu::always_inline]] void prefetch(i32 user, i32 item) const {
    if (words_per_user_ > 0)
      __builtin_prefetch(word(user, item));
    else
      __builtin_prefetch(items_ + (begin_[user] + begin_[user + 1]) / 2);
  }
  i64 count(i32 user) const { return begin_[user + 1] - begin_[user]; }

 private:
  const i64* word(i32 user, i32 item) const { return words_ + user * words_per_user_ + (item >> 6); }

  i64 words_per_user_ = 0;  // 0: no bitmap
  Array own_words_, own_begin_, own_items_;
  const i64* words_ = nullptr;  // [users, words_per_user]
  const i64* begin_;            // [users + 1] into items
  const i32* items_;            // each user's own, ascending, without repeats
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

// Draws of items for the rows of a log, whichever are asked for, in whatever order.
class ItemDraws {
 public:
  // A log in CSR order by user: indptr [users + 1], items in 0 .. n_items - 1.
  ItemDraws(const i64* indptr, const i32* items, i64 n_users, i64 n_items, u64 seed);

  i64 n_users() const { return n_users_; }

  // drawn [n, count] for rows [n] of `epoch`; outside the items of users [n] where they are given.
  void draw(i64 epoch, i64 n, const i64* rows, i64 count, const i32* users, i32* drawn) const;

 private:
  i64 n_users_, n_items_;
  u64 seed_;
  SeenItems seen_;
};

}  // namespace lw
