#include "cpp/kernels/dropout.h"

#include "cpp/core/parallel.h"
#include "cpp/kernels/simd_random.h"

namespace lw::LIKEWISE_LEVEL {

void dropout(const Dropout& k) {
  const Vec scale = 1.f / (1.f - k.rate);
  parallel_for(k.count, 4'096, [&](i64 begin, i64 end) {  // tasks begin at multiples of 4
    for (i64 i = begin; i < end; i += 4 * vector_lanes) {
      const u64 call = static_cast<u64>(i) / 4;  // a multiple of 16, so that 16 calls share their upper half
      const IntVec calls = broadcast_int(static_cast<i32>(call)) + to_int(Vec::load(lane_numbers));
      const Random4Vec random = philox(k.key, static_cast<u32>(k.offset >> 32), static_cast<u32>(k.offset),
                                       static_cast<u32>(call >> 32), calls);
      alignas(64) float words[4][vector_lanes], draws[4 * vector_lanes];
      for (int w = 0; w < 4; ++w) unit(random.word[w]).store(words[w]);
      for (int at = 0; at < 4 * vector_lanes; ++at) draws[at] = words[at % 4][at / 4];
      for_lanes(end - i < 4 * vector_lanes ? end - i : 4 * vector_lanes, [&](i64 j, auto lanes) {
        lanes.store(k.out + i + j, select(Vec::load(draws + j) < Vec(k.rate), 0.f, lanes.load(k.x + i + j) * scale));
      });
    }
  });
}

}  // namespace lw::LIKEWISE_LEVEL
