#include "cpp/data/negatives.h"

#include <algorithm>
#include <vector>

#include "cpp/core/parallel.h"
#include "cpp/core/random.h"

namespace lw {
namespace {

constexpr i64 largest_bitmap = i64{64} << 20;  // bytes
constexpr u32 most_attempts = 256;
constexpr u64 draws_for_rows = 0x726f7773;  // a stream of its own

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

SeenItems::SeenItems(const i64* indptr, const i32* items, i64 n_users, i64 n_items)
    : own_begin_(zeros({n_users + 1}, Device::cpu, DType::int64)),
      own_items_(empty({indptr[n_users]}, Device::cpu, DType::int32)) {
  i64* begin = own_begin_.data<i64>();
  i32* own = own_items_.data<i32>();
  for (i64 user = 0; user < n_users; ++user) {
    i32* first = own + begin[user];
    i32* last = std::copy(items + indptr[user], items + indptr[user + 1], first);
    std::sort(first, last);
    begin[user + 1] = std::unique(first, last) - own;
  }
  begin_ = begin, items_ = own;
  const i64 words = (n_items + 63) / 64;
  if (n_users * words * 8 > largest_bitmap) return;
  words_per_user_ = words;
  own_words_ = zeros({n_users, words}, Device::cpu, DType::int64);
  i64* word = own_words_.data<i64>();
  words_ = word;
  for (i64 user = 0; user < n_users; ++user, word += words)
    for (i64 at = begin[user]; at < begin[user + 1]; ++at)
      word[own[at] >> 6] |= static_cast<i64>(u64{1} << (own[at] & 63));
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
    if (slot_ahead == 0 && sample_ahead + ahead < draw.count) seen.prefetch(draw.users[sample_ahead + ahead]);
    if (sample_ahead == draw.count || draw.negatives == 0) return;
    seen.prefetch(draw.users[sample_ahead], draw.drawn[sample_ahead * draw.negatives + slot_ahead]);
    if (++slot_ahead == draw.negatives) ++sample_ahead, slot_ahead = 0;
  };
  for (i64 sample = 0; sample < std::min(ahead, draw.count); ++sample) seen.prefetch(draw.users[sample]);
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

ItemDraws::ItemDraws(const i64* indptr, const i32* items, i64 n_users, i64 n_items, u64 seed)
    : n_users_(n_users), n_items_(n_items), seed_(seed), seen_(indptr, items, n_users, n_items) {}

void ItemDraws::draw(i64 epoch, i64 n, const i64* rows, i64 count, const i32* users, i32* drawn) const {
  const u64 key = random_key(seed_, draws_for_rows, epoch);
  const u32 n_items = static_cast<u32>(n_items_);
  parallel_for(n, rows_for(10 * static_cast<double>(count)), [&](i64 begin, i64 end) {
    for (i64 b = begin; b < end; ++b) {
      const u64 first = static_cast<u64>(rows[b] * count);
      i32* mine = drawn + b * count;
      draw_all(key, first, count, n_items, mine);
      if (users == nullptr || seen_.count(users[b]) >= n_items_) continue;
      for (i64 slot = 0; slot < count; ++slot)
        for (u32 attempt = 1; attempt < most_attempts && seen_.contains(users[b], mine[slot]); ++attempt)
          mine[slot] = static_cast<i32>(draw_again(key, first + static_cast<u64>(slot), attempt, n_items));
    }
  });
}

}  // namespace lw
