// The places of a pool, and the greatest of them.
#pragma once

#include "cpp/kernels/pool.h"
#include "cpp/kernels/simd.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

// The part of a pool that lies inside x: rows and columns of x, and the number of its first place within the pool.
struct Pool {
  i64 first_row, last_row, first_column, last_column;
  i64 number;

  i64 places() const { return (last_row - first_row) * (last_column - first_column); }
};

Pool pool_at(const PoolShape& s, i64 i, i64 j) {
  const i64 top = i * s.stride_height - s.pad_top, left = j * s.stride_width - s.pad_left;
  const i64 first_row = top < 0 ? 0 : top, first_column = left < 0 ? 0 : left;
  const i64 last_row = top + s.pool_height, last_column = left + s.pool_width;
  return {first_row, last_row < s.height ? last_row : s.height, first_column,
          last_column < s.width ? last_column : s.width, (first_row - top) * s.pool_width + first_column - left};
}

// Calls use(place of x, number within the pool) row by row.
template <typename Use>
LIKEWISE_INLINE void for_places(const PoolShape& s, const Pool& pool, const Use& use) {
  i64 number = pool.number;
  for (i64 row = pool.first_row; row < pool.last_row; ++row, number += s.pool_width)
    for (i64 column = pool.first_column; column < pool.last_column; ++column)
      use(row * s.width + column, number + column - pool.first_column);
}

// The greatest value of a pool in 16 channels, and the number of the place that has it.
struct Best {
  Vec value, winner;
};

// `value_at(place)` is what they have there.
template <bool keeps_winner = true, typename ValueAt>
LIKEWISE_INLINE Best best_of(const PoolShape& s, const Pool& pool, const ValueAt& value_at) {
  Best best{Vec(-__builtin_inff()), Vec(static_cast<float>(pool.number))};
  for_places(s, pool, [&](i64 place, i64 number) {
    const Vec value = value_at(place);
    const Mask wins = (value > best.value) | (value != value);
    best.value = select(wins, value, best.value);
    if (keeps_winner) best.winner = select(wins, Vec(static_cast<float>(number)), best.winner);
  });
  return best;
}

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
