#include "cpp/kernels/pool.h"

#include "cpp/core/parallel.h"
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

double pool_ns(const PoolShape& s) {
  return 0.1 * static_cast<double>((s.pool_height * s.pool_width + 2) * s.channels);
}

// Calls use(x offset, y offset, pool) for the output places of rows of images.
template <typename Use>
LIKEWISE_INLINE void for_pools(const PoolShape& s, const Use& use) {
  parallel_for(s.batch * s.out_height, rows_for(pool_ns(s) * static_cast<double>(s.out_width)),
               [&](i64 begin, i64 end) {
                 for (i64 at = begin; at < end; ++at)
                   for (i64 j = 0; j < s.out_width; ++j)
                     use(at / s.out_height * s.height * s.width * s.channels, (at * s.out_width + j) * s.channels,
                         pool_at(s, at % s.out_height, j));
               });
}

// The same for gradients, which pools that overlap add up: one task has all of an image. dx starts at zero.
template <typename Use>
LIKEWISE_INLINE void for_gradients(const PoolShape& s, float* dx, const Use& use) {
  const i64 size = s.height * s.width * s.channels;
  parallel_for(s.batch, rows_for(pool_ns(s) * static_cast<double>(s.out_height * s.out_width)),
               [&](i64 begin, i64 end) {
                 for (i64 image = begin; image < end; ++image) {
                   for_lanes(size, [&](i64 j, auto lanes) { lanes.store(dx + image * size + j, 0.f); });
                   for (i64 i = 0; i < s.out_height; ++i)
                     for (i64 j = 0; j < s.out_width; ++j)
                       use(image * size, ((image * s.out_height + i) * s.out_width + j) * s.channels, pool_at(s, i, j));
                 }
               });
}

}  // namespace

void max_pool_forward(const MaxPoolForward& k) {
  const PoolShape& s = k.shape;
  for_pools(s, [&](i64 x, i64 y, const Pool& pool) {
    for_lanes(s.channels, [&](i64 c, auto lanes) {
      Vec best(-__builtin_inff()), winner(static_cast<float>(pool.number));
      for_places(s, pool, [&](i64 place, i64 number) {
        const Vec value = lanes.load(k.x + x + place * s.channels + c);
        const Mask wins = (value > best) | (value != value);
        best = select(wins, value, best);
        winner = select(wins, Vec(static_cast<float>(number)), winner);
      });
      lanes.store(k.y + y + c, best);
      if (k.winner != nullptr) lanes.store(k.winner + y + c, winner);
    });
  });
}

void max_pool_backward(const MaxPoolBackward& k) {
  const PoolShape& s = k.shape;
  for_gradients(s, k.dx, [&](i64 x, i64 y, const Pool& pool) {
    for_lanes(s.channels, [&](i64 c, auto lanes) {
      const Vec dy = lanes.load(k.dy + y + c), winner = lanes.load(k.winner + y + c);
      for_places(s, pool, [&](i64 place, i64 number) {
        float* dx = k.dx + x + place * s.channels + c;
        lanes.store(dx, lanes.load(dx) + select(winner == Vec(static_cast<float>(number)), dy, Vec(0.f)));
      });
    });
  });
}

void average_pool_forward(const AveragePoolForward& k) {
  const PoolShape& s = k.shape;
  for_pools(s, [&](i64 x, i64 y, const Pool& pool) {
    const Vec share(1.f / static_cast<float>(pool.places()));
    for_lanes(s.channels, [&](i64 c, auto lanes) {
      Vec sum(0.f);
      for_places(s, pool, [&](i64 place, i64) { sum += lanes.load(k.x + x + place * s.channels + c); });
      lanes.store(k.y + y + c, share * sum);
    });
  });
}

void average_pool_backward(const AveragePoolBackward& k) {
  const PoolShape& s = k.shape;
  for_gradients(s, k.dx, [&](i64 x, i64 y, const Pool& pool) {
    const Vec share(1.f / static_cast<float>(pool.places()));
    for_lanes(s.channels, [&](i64 c, auto lanes) {
      const Vec part = share * lanes.load(k.dy + y + c);
      for_places(s, pool, [&](i64 place, i64) {
        float* dx = k.dx + x + place * s.channels + c;
        lanes.store(dx, lanes.load(dx) + part);
      });
    });
  });
}

}  // namespace lw::LIKEWISE_LEVEL
