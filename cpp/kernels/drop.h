// Dropout of a part of an array, which a fused operation has just made.
#pragma once

#include "cpp/kernels/dropout.h"
#include "cpp/kernels/simd_random.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

constexpr i64 draws_together = 4 * vector_lanes;  // elements that share calls of philox

// out_i = r_i + D(x)_i of elements [first, first + count) of an array, each pointer at element `first`, which is a
// multiple of draws_together; residual may be null, out may be x.
[[maybe_unused]] void drop(const DropoutDraws& draws, i64 first, i64 count, const float* x, const float* residual,
                           float* out) {
  const auto store = [&](i64 at, auto lanes, Vec value) {
    lanes.store(out + at, residual == nullptr ? value : lanes.load(residual + at) + value);
  };
  if (draws.rate == 0) {
    for_lanes(count, [&](i64 at, auto lanes) { store(at, lanes, lanes.load(x + at)); });
    return;
  }
  const Vec rate = draws.rate, scale = 1.f / (1.f - draws.rate);
  for (i64 i = 0; i < count; i += draws_together) {
    const u64 call = static_cast<u64>(first + i) / 4;  // a multiple of 16, so that 16 calls share their upper half
    const IntVec calls = broadcast_int(static_cast<i32>(call)) + to_int(Vec::load(lane_numbers));
    const Random4Vec random = philox(draws.key, static_cast<u32>(draws.offset >> 32), static_cast<u32>(draws.offset),
                                     static_cast<u32>(call >> 32), calls);
    for (i64 word = 0, at = i; word < 4 && at < count; ++word, at += vector_lanes) {
      const Vec drawn = unit(random.word[word]);
      for_lanes(count - at < vector_lanes ? count - at : vector_lanes,
                [&](i64, auto lanes) { store(at, lanes, select(drawn < rate, 0.f, lanes.load(x + at) * scale)); });
    }
  }
}

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
