#include "cpp/data/negatives.h"

#include <algorithm>

#include "cpp/core/random.h"

namespace lw {
namespace {

constexpr i64 largest_bitmap = i64{64} << 20;  // bytes
constexpr u32 most_attempts = 256;

// One block of random words serves four slots at one attempt.
u32 drawn(const NegativeDraw& draw, i64 sample, i64 slot, u32 attempt, u32 n_items) {
  const u64 block = static_cast<u64>(slot >> 2) | static_cast<u64>(attempt) << 32;
  return below(philox(draw.key, static_cast<u64>(draw.rows[sample]), block).word[slot & 3], n_items);
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
  bits_.assign(static_cast<std::size_t>(n_users * words), 0);
  for (i64 user = 0; user < n_users; ++user)
    for (i64 at = begin_[user]; at < begin_[user + 1]; ++at)
      bits_[static_cast<std::size_t>(user * words + (items_[at] >> 6))] |= u64{1} << (items_[at] & 63);
}

bool SeenItems::contains(i32 user, i32 item) const {
  if (words_per_user_ > 0) return bits_[user * words_per_user_ + (item >> 6)] >> (item & 63) & 1;
  return std::binary_search(items_.begin() + begin_[user], items_.begin() + begin_[user + 1], item);
}

void SeenItems::prefetch(i32 user, i32 item) const {
  if (words_per_user_ > 0)
    __builtin_prefetch(bits_.data() + user * words_per_user_ + (item >> 6));
  else
    __builtin_prefetch(items_.data() + (begin_[user] + begin_[user + 1]) / 2);
}

// Draw for all, then draw again for the few that hit a seen item: the reads of a pass are independent of each other.
void draw_negatives(const SeenItems& seen, u32 n_items, const NegativeDraw& draw) {
  constexpr i64 ahead = 16;
  const i64 width = 1 + draw.negatives;
  std::vector<i64> open;  // sample * negatives + slot
  for (i64 sample = 0; sample < draw.count; ++sample) {
    i32* items = draw.items + sample * width + 1;
    for (i64 block = 0; block < draw.negatives; block += 4) {
      const Random4 random = philox(draw.key, static_cast<u64>(draw.rows[sample]), static_cast<u64>(block >> 2));
      for (i64 slot = block; slot < std::min(block + 4, draw.negatives); ++slot)
        items[slot] = static_cast<i32>(below(random.word[slot & 3], n_items));
    }
  }
  const i64 total = draw.count * draw.negatives;
  i64 sample_ahead = 0, slot_ahead = 0;
  const auto prefetch_next = [&] {
    if (sample_ahead == draw.count || draw.negatives == 0) return;
    seen.prefetch(draw.users[sample_ahead], draw.items[sample_ahead * width + 1 + slot_ahead]);
    if (++slot_ahead == draw.negatives) ++sample_ahead, slot_ahead = 0;
  };
  for (i64 i = 0; i < std::min(ahead, total); ++i) prefetch_next();
  for (i64 sample = 0; sample < draw.count; ++sample)
    for (i64 slot = 0; slot < draw.negatives; ++slot) {
      prefetch_next();
      if (seen.contains(draw.users[sample], draw.items[sample * width + 1 + slot]))
        open.push_back(sample * draw.negatives + slot);
    }
  for (u32 attempt = 1; attempt < most_attempts && !open.empty(); ++attempt) {
    std::size_t kept = 0;
    for (const i64 at : open) {
      const i64 sample = at / draw.negatives, slot = at % draw.negatives;
      const i32 item = static_cast<i32>(drawn(draw, sample, slot, attempt, n_items));
      draw.items[sample * width + 1 + slot] = item;
      if (seen.contains(draw.users[sample], item) && seen.count(draw.users[sample]) < n_items) open[kept++] = at;
    }
    open.resize(kept);
  }
}

}  // namespace lw
