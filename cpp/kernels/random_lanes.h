// Philox for 16 counters at once: the words that cpp/core/random.h gives one by one.
#pragma once

#include "cpp/core/random.h"
#include "cpp/kernels/simd.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

typedef u64 Wide __attribute__((vector_size(4 * native_lanes)));
constexpr int wide_lanes = native_lanes / 2, wide_parts = vector_lanes / wide_lanes;

// The product of the lower halves.
LIKEWISE_INLINE Wide multiply_lower(Wide a, Wide b) {
#if defined(__AVX512F__)
  return reinterpret_cast<Wide>(
      _mm512_maskz_mul_epu32(0xff, reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
#elif defined(__AVX2__)
  return reinterpret_cast<Wide>(_mm256_mul_epu32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
#elif defined(__SSE2__)
  return reinterpret_cast<Wide>(_mm_mul_epu32(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
#else
  return (a & 0xffffffff) * (b & 0xffffffff);
#endif
}

// word[w][i] is word w of philox(key, high, first + i). Upper halves of lanes hold what is not looked at.
LIKEWISE_INLINE void philox_lanes(u64 key, u64 high, u64 first, u32 (&word)[4][vector_lanes]) {
  for (int part = 0; part < wide_parts; ++part) {
    Wide c0;
    for (int i = 0; i < wide_lanes; ++i) c0[i] = first + static_cast<u64>(part * wide_lanes + i);
    Wide c1 = c0 >> 32, c2 = high - Wide{}, c3 = (high >> 32) - Wide{};
    u32 k0 = static_cast<u32>(key), k1 = static_cast<u32>(key >> 32);
    for (int round = 0; round < 10; ++round) {
      const Wide a = multiply_lower(c0, u64{0xD2511F53} - Wide{}), b = multiply_lower(c2, u64{0xCD9E8D57} - Wide{});
      c0 = (b >> 32) ^ c1 ^ (k0 - Wide{});
      c2 = (a >> 32) ^ c3 ^ (k1 - Wide{});
      c1 = b;
      c3 = a;
      k0 += 0x9E3779B9;
      k1 += 0xBB67AE85;
    }
    for (int i = 0; i < wide_lanes; ++i) {
      word[0][part * wide_lanes + i] = static_cast<u32>(c0[i]);
      word[1][part * wide_lanes + i] = static_cast<u32>(c1[i]);
      word[2][part * wide_lanes + i] = static_cast<u32>(c2[i]);
      word[3][part * wide_lanes + i] = static_cast<u32>(c3[i]);
    }
  }
}

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
