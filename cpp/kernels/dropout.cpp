#include "cpp/kernels/dropout.h"

#include "cpp/core/parallel.h"
#include "cpp/core/random.h"
#include "cpp/kernels/simd.h"

namespace lw::LIKEWISE_LEVEL {

void dropout(const Dropout& k) {
  const Vec scale = 1.f / (1.f - k.rate);
  parallel_for(k.count, 4'096, [&](i64 begin, i64 end) {  // tasks begin at multiples of 4
    for_lanes(end - begin, [&](i64 j, auto lanes) {
      float draws[vector_lanes];
      for (int block = 0; block < vector_lanes / 4; ++block) {
        const Random4 four = philox(k.key, k.offset, static_cast<u64>(begin + j) / 4 + static_cast<u64>(block));
        for (int i = 0; i < 4; ++i) draws[4 * block + i] = unit(four.word[i]);
      }
      const Vec x = lanes.load(k.x + begin + j);
      lanes.store(k.out + begin + j, select(Vec::load(draws) < Vec(k.rate), 0.f, x * scale));
    });
  });
}

}  // namespace lw::LIKEWISE_LEVEL
