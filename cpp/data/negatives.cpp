#include "cpp/data/negatives.h"

#include <algorithm>

#include "cpp/core/random.h"

namespace lw {
namespace {

constexpr i64 largest_bitmap = i64{64} << 20;  // bytes
constexpr u32 most_attempts = 256;

// One block of random words serves four neighbouring places at one attempt.
u32 draw_again(u64 key, u64 place, u32 attempt, u32 n_items) {
  return below(philox(key, attempt, place >> 2).word[place & 3], n_items);
}

void draw_all(u64 key, u64 first, i64 count, u32 n_items, i32* drawn) {
  i64 at = 0;
  while (at < count) {
    const u64 place = first + static_cast<u64>(at);
    const Random4 random = philox(key, 0, place >> 2);
    for (u64 word = place & 3; word < 4 && at < count; ++word)
      drawn[at++] = static_cast<i32>(below(random.word[word], n_items));
  }
}

}  // namespace

SeenItems::SeenItems(const i64* indptr, const i32* items, i64 n_users, i64 n_items) {
  begin_.reserve(static_cast<std::size_t>(n_users + 1));
  begin_.push_back(0);
  items_.reserve(static_cast<std::size_t>(indptr[n_users]));
  for (i64 user = 0; user < n_users; ++user) {
    const auto first = items_.insert(items_.end(), items + indptr[user], items + indptr[user + 1]);
    std::sort(first, items_.end());
    items_.erase(std::unique(first, items_.end()), items_.end());
    begin_.push_back(static_cast<i64>(items_.size()));
  }
  const i64 words = (n_items + 63) / 64;
  if (n_users * words * 8 > largest_bitmap) return;
  words_per_user_ = words;
  bits_ = zeros({n_users, words}, Device::cpu, DType::int64);
  for (i64 user = 0; user < n_users; ++user)
    for (i64 at = begin_[user]; at < begin_[user + 1]; ++at)
      *word(static_cast<i32>(user), items_[at]) |= static_cast<i64>(u64{1} << (items_[at] & 63));
}

// Draw for all, then draw again for the few that hit a seen item: the reads of a pass are independent of each other.
void draw_negatives(const SeenItems& seen, u32 n_items, const NegativeDraw& draw) {
  constexpr i64 ahead = 64;
  const i64 total = draw.count * draw.negatives;
  const u64 first = static_cast<u64>(draw.first * draw.negatives);
  draw_all(draw.key, first, total, n_items, draw.drawn);
  if (draw.draw_seen) return;

  std::vector<i64> open(static_cast<std::size_t>(total));  // places of seen items, from `first`
  i64 kept = 0, sample_ahead = 0, slot_ahead = 0;
  const auto prefetch_next = [&] {
    if (sample_ahead == draw.count || draw.negatives == 0) return;
    seen.prefetch(draw.users[sample_ahead], draw.drawn[sample_ahead * draw.negatives + slot_ahead]);
    if (++slot_ahead == draw.negatives) ++sample_ahead, slot_ahead = 0;
  };
  for (i64 i = 0; i < std::min(ahead, total); ++i) prefetch_next();
  for (i64 sample = 0, at = 0; sample < draw.count; ++sample)
    for (i64 slot = 0; slot < draw.negatives; ++slot, ++at) {
      prefetch_next();
      open[kept] = at;  // stays only if the item is seen: no branch on what is hard to guess
      kept += seen.contains(draw.users[sample], draw.drawn[at]) ? 1 : 0;
    }
  for (u32 attempt = 1; attempt < most_attempts && kept > 0; ++attempt) {
    open.resize(static_cast<std::size_t>(kept));
    kept = 0;
    for (const i64 at : open) {
      const i32 user = draw.users[at / draw.negatives];
      const i32 item = static_cast<i32>(draw_again(draw.key, first + static_cast<u64>(at), attempt, n_items));
      draw.drawn[at] = item;
      if (seen.contains(user, item) && seen.count(user) < n_items) open[kept++] = at;
    }
  }
}

}  // namespace lw
