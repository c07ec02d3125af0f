// Pools of 2 by 2 places that never leave the registers before only their greatest is left.
#pragma once

#include "cpp/kernels/conv_bands.h"
#include "cpp/kernels/conv_pool.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

// The rows of A are the places of pools side by side: two lines, each with two places of every pool. C is y.
struct PooledTiles : Tiles {
  const float* y;  // where `winner` begins in y
  float* winner;   // or null
};

struct IntoPools {
  using Given = PooledTiles;
  static constexpr int lines = 2, rows_for_one = 4;

  // A sum of all is not a number if one of them is not (or if infinities cancel, which does no harm): one comparison,
  // and mostly the shorter way.
  template <int Rows, int Vectors>
  LIKEWISE_INLINE static void finish(const PooledTiles& t, float* y, const Native (&sum)[Rows][Vectors]) {
    Native all[2] = {};
    LIKEWISE_TILE(r, v) all[r % 2] += sum[r][v];
    float* winner = t.winner == nullptr ? nullptr : t.winner + (y - t.y);
    if (native_has_nan(all[0] + all[1]))
      pool<true, true>(t, y, winner, sum);
    else if (winner != nullptr)
      pool<true, false>(t, y, winner, sum);
    else
      pool<false, false>(t, y, winner, sum);
  }

 private:
  // As best_of: the first of equal ones, what is not a number before all.
  template <bool finds_winner, bool may_be_nan, int Rows, int Vectors>
  LIKEWISE_INLINE static void pool(const PooledTiles& t, float* y, float* winner, const Native (&sum)[Rows][Vectors]) {
#pragma GCC unroll 8
    for (int pool = 0; pool < Rows / 4; ++pool)
#pragma GCC unroll 2
      for (int v = 0; v < Vectors; ++v) {
        Native best = sum[2 * pool][v], number = {};
#pragma GCC unroll 3
        for (int place = 1; place < 4; ++place) {
          const Native value = sum[place / 2 * (Rows / 2) + 2 * pool + place % 2][v];
          const NativeInt wins = may_be_nan ? (value > best) | (value != value) : value > best;
          if (finds_winner) number = wins ? static_cast<float>(place) - Native{} : number;
          best = may_be_nan ? (wins ? value : best) : native_max(value, best);
        }
        const i64 at = pool * t.ldc + v * native_lanes;
        native_store_up_to(y + at, best, t.columns - v * native_lanes);
        if (finds_winner && winner != nullptr) native_store_up_to(winner + at, number, t.columns - v * native_lanes);
      }
  }
};

template <int... Pools>
struct PoolTable {
  static constexpr i64 most = sizeof...(Pools);
  using Kernel = void (*)(const PooledTiles&);
  static constexpr Kernel wide[] = {tiles<4 * Pools, 2, true, IntoPools>...};
  static constexpr Kernel narrow[] = {tiles<4 * Pools, 1, true, IntoPools>...};
};
#if defined(__AVX512F__)
using WidePools = PoolTable<1, 2, 3>;
using NarrowPools = PoolTable<1, 2, 3, 4, 5, 6>;
#else
using WidePools = PoolTable<1>;
using NarrowPools = PoolTable<1, 2, 3>;
#endif

void run_tiles(i64 pools, const PooledTiles& t) {
  if (lanes_for(t.columns) == panel_lanes)
    run_tiles(WidePools::wide, WidePools::most, pools, t, 2);
  else
    run_tiles(NarrowPools::narrow, NarrowPools::most, pools, t, 2);
}

// A band whose places are pools: a step goes from pool to pool.
void run_pooled_band(const Band& band, i64 line_bytes, const Runs& runs, const float* packed, const ConvPoolForward& k,
                     float* winner) {
  PooledTiles t;
  t.activation = k.activation;
  t.line_bytes = line_bytes;
  t.y = band.out;
  t.winner = winner;
  for_tiles(band, runs, packed, k.bias, t, [](PooledTiles t, i64 pools) {
    t.row_bytes /= 2;
    run_tiles(pools, t);
  });
}

// Are the pools of this kind, and all of their places within the convolution? The activation must be known to tiles.
bool pools_in_registers(const ConvPoolForward& k) {
  const PoolShape& p = k.pool;
  return p.pool_height == 2 && p.pool_width == 2 && p.stride_height == 2 && p.stride_width == 2 && p.pad_top == 0 &&
         p.pad_left == 0 && 2 * p.out_height <= p.height && 2 * p.out_width <= p.width &&
         (k.activation == Activation::linear || k.activation == Activation::relu);
}

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
