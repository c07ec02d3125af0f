#include "cpp/kernels/pool.h"

#include "cpp/core/parallel.h"
#include "cpp/kernels/pool_places.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

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
      const Best best = best_of(s, pool, [&](i64 place) { return lanes.load(k.x + x + place * s.channels + c); });
      lanes.store(k.y + y + c, best.value);
      if (k.winner != nullptr) lanes.store(k.winner + y + c, best.winner);
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
