#include "cpp/kernels/dropout.h"

#include "cpp/core/parallel.h"
#include "cpp/kernels/simd_random.h"

namespace lw::LIKEWISE_LEVEL {

void dropout(const Dropout& k) {
  const Vec scale = 1.f / (1.f - k.rate);
  parallel_for(k.count, 4'096, [&](i64 begin, i64 end) {  // tasks begin at multiples of 64
    for (i64 i = begin; i < end; i += 4 * vector_lanes) {
      const u64 call = static_cast<u64>(i) / 4;  // a multiple of 16, so that 16 calls share their upper half
      const IntVec calls = broadcast_int(static_cast<i32>(call)) + to_int(Vec::load(lane_numbers));
      const Random4Vec random = philox(k.key, static_cast<u32>(k.offset >> 32), static_cast<u32>(k.offset),
                                       static_cast<u32>(call >> 32), calls);
      for (i64 word = 0, at = i; word < 4 && at < end; ++word, at += vector_lanes) {
        const Vec drawn = unit(random.word[word]);
        for_lanes(end - at < vector_lanes ? end - at : vector_lanes, [&](i64, auto lanes) {
          lanes.store(k.out + at, select(drawn < Vec(k.rate), 0.f, lanes.load(k.x + at) * scale));
        });
      }
    }
  });
}

}  // namespace lw::LIKEWISE_LEVEL
