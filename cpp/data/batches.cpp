#include "cpp/data/batches.h"

#include <algorithm>
#include <bit>

#include "cpp/core/check.h"
#include "cpp/core/random.h"

namespace lw {
namespace {

enum class Purpose : u64 { shuffle = 0x73687566, negatives = 0x6e656761 };

u64 key_for(Purpose purpose, u64 seed, i64 epoch) { return random_key(seed, static_cast<u64>(purpose), epoch); }

Array pairs_of(const Array& indptr, const Array& items) {
  const i64* begin = indptr.data<i64>();
  Array pairs = empty({items.count(), 2}, Device::cpu, DType::int32);
  i32* pair = pairs.data<i32>();
  for (i64 user = 0; user + 1 < indptr.count(); ++user)
    for (i64 row = begin[user]; row < begin[user + 1]; ++row, pair += 2)
      pair[0] = static_cast<i32>(user), pair[1] = items.data<i32>()[row];
  return pairs;
}

void check_log(const Array& indptr, const Array& items, const Array& ratings, i64 n_items,
               const BatchSettings& settings) {
  constexpr i64 most = i64{1} << 31;
  expect(settings.batch_size >= 1, "batches", "batch_size must be at least 1, got ", settings.batch_size);
  expect(settings.negatives >= 0, "batches", "negatives must be at least 0, got ", settings.negatives);
  expect(settings.batch_size < most / (1 + settings.negatives), "batches",
         "batch_size x (1 + negatives) must be below 2^31, got ", settings.batch_size, " x ", 1 + settings.negatives);
  expect(n_items >= 1 && n_items < most, "batches", "n_items must be in 1..2^31 - 1, got ", n_items);
  expect(indptr.rank() == 1 && indptr.count() >= 1 && indptr.count() <= most, "batches",
         "indptr must have shape [n_users + 1], got ", indptr.shape());
  const i64* begin = indptr.data<i64>();
  const i64 n_users = indptr.count() - 1;
  expect(begin[0] == 0 && std::is_sorted(begin, begin + n_users + 1) && begin[n_users] == items.count(), "batches",
         "indptr must ascend from 0 to the ", items.count(), " rows of items, got ", begin[0], " to ", begin[n_users]);
  expect(items.count() >= 1, "batches", "the log has no rows");
  expect(!ratings || ratings.count() == items.count(), "batches", "ratings must have one value for each of the ",
         items.count(), " rows, got ", ratings ? ratings.count() : 0);
  const i32* item = items.data<i32>();
  for (i64 row = 0; row < items.count(); ++row)
    expect(item[row] >= 0 && item[row] < n_items, "batches", "items[", row, "] must be in 0..", n_items - 1, ", got ",
           item[row]);
}

}  // namespace

Permutation::Permutation(i64 count, u64 key) : count_(static_cast<u64>(count)) {
  const int bits = std::max(2, static_cast<int>(std::bit_width(count_ - 1)));
  low_bits_ = bits / 2;
  high_bits_ = bits - low_bits_;
  for (u64 round = 0; round < 4; ++round) keys_[round] = random_key(key, round);
}

// Each half in turn is changed by a hash of the other.
u64 Permutation::scramble(u64 x) const {
  const u64 low_mask = (u64{1} << low_bits_) - 1, high_mask = (u64{1} << high_bits_) - 1;
  u64 low = x & low_mask, high = x >> low_bits_;
  for (int round = 0; round < 4; round += 2) {
    high ^= mixed(low ^ keys_[round]) & high_mask;
    low ^= mixed(high ^ keys_[round + 1]) & low_mask;
  }
  return high << low_bits_ | low;
}

Batches::Batches(const Array& indptr, const Array& items, const Array& ratings, i64 n_items, BatchSettings settings)
    : n_users_((check_log(indptr, items, ratings, n_items, settings), indptr.count() - 1)),
      n_items_(n_items),
      settings_(settings),
      pairs_(pairs_of(indptr, items)),
      ratings_(ratings ? ratings.copy() : Array{}),
      seen_(indptr.data<i64>(), items.data<i32>(), n_users_, n_items) {}

void Batches::draw(i64 epoch, i64 step, Samples& samples) const {
  const i64 begin = step * settings_.batch_size, width = 1 + settings_.negatives;
  const i64 count = std::min(settings_.batch_size, rows() - begin);
  samples.count = count;
  samples.rows.resize(static_cast<std::size_t>(count));
  samples.users.resize(static_cast<std::size_t>(count));
  samples.items.resize(static_cast<std::size_t>(count * width));

  const Permutation order(rows(), key_for(Purpose::shuffle, settings_.seed, epoch));
  const i32* pairs = pairs_.data<i32>();
  for (i64 sample = 0; sample < count; ++sample) {
    const i64 row = order[begin + sample];
    samples.rows[sample] = row;
    __builtin_prefetch(pairs + 2 * row);
  }
  for (i64 sample = 0; sample < count; ++sample) {
    samples.users[sample] = pairs[2 * samples.rows[sample]];
    samples.items[sample * width] = pairs[2 * samples.rows[sample] + 1];
  }
  samples.ratings.resize(has_ratings() ? static_cast<std::size_t>(count) : 0);
  for (std::size_t sample = 0; sample < samples.ratings.size(); ++sample)
    samples.ratings[sample] = ratings_.floats()[samples.rows[sample]];

  samples.negatives.resize(static_cast<std::size_t>(count * settings_.negatives));
  draw_negatives(seen_, static_cast<u32>(n_items_),
                 {.key = key_for(Purpose::negatives, settings_.seed, epoch),
                  .first = begin,
                  .count = count,
                  .negatives = settings_.negatives,
                  .draw_seen = settings_.draw_seen,
                  .users = samples.users.data(),
                  .drawn = samples.negatives.data()});
  const i32* negative = samples.negatives.data();
  for (i64 sample = 0; sample < count; ++sample) {
    i32* items = samples.items.data() + sample * width;
    for (i64 slot = 1; slot < width; ++slot) items[slot] = *negative++;
  }
}

}  // namespace lw
