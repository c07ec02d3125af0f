#include "cpp/kernels/dropout.h"

#include "cpp/core/parallel.h"
#include "cpp/kernels/random_lanes.h"

namespace lw::LIKEWISE_LEVEL {

void dropout(const Dropout& k) {
  const Vec scale = 1.f / (1.f - k.rate);
  parallel_for(k.count, 4'096, [&](i64 begin, i64 end) {  // tasks begin at multiples of 4
    for (i64 i = begin; i < end; i += 4 * vector_lanes) {
      alignas(64) u32 word[4][vector_lanes];
      philox_lanes(k.key, k.offset, static_cast<u64>(i) / 4, word);
      alignas(64) float draws[4 * vector_lanes];
      for (int call = 0; call < vector_lanes; ++call)
        for (int w = 0; w < 4; ++w)
          draws[4 * call + w] = static_cast<float>(static_cast<i32>(word[w][call] >> 8)) * 0x1p-24f;
      for_lanes(end - i < 4 * vector_lanes ? end - i : 4 * vector_lanes, [&](i64 j, auto lanes) {
        lanes.store(k.out + i + j, select(Vec::load(draws + j) < Vec(k.rate), 0.f, lanes.load(k.x + i + j) * scale));
      });
    }
  });
}

}  // namespace lw::LIKEWISE_LEVEL
