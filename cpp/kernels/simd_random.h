// Philox of core/random.h for 16 counters at once.
#pragma once

#include "cpp/kernels/simd.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

LIKEWISE_INLINE IntVec load_ints(const i32* from) {
  LIKEWISE_EACH(IntVec, *reinterpret_cast<const NativeIntUnaligned*>(from + i * native_lanes));
}
LIKEWISE_INLINE void store_ints(i32* to, IntVec value) {
  for (int i = 0; i < native_parts; ++i) *reinterpret_cast<NativeIntUnaligned*>(to + i * native_lanes) = value.part[i];
}

// Lanes of 64 bits, half as many.
typedef u64 NativeWide __attribute__((vector_size(4 * native_lanes)));
LIKEWISE_INLINE NativeWide wide_of(u64 value) { return value - NativeWide{}; }

// Products of the lower halves.
LIKEWISE_INLINE NativeWide wide_product(NativeWide a, NativeWide b) {
#if defined(__AVX512F__)
  return reinterpret_cast<NativeWide>(
      _mm512_maskz_mul_epu32(0xff, reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
#elif defined(__AVX2__)
  return reinterpret_cast<NativeWide>(_mm256_mul_epu32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
#elif defined(__SSE2__)
  return reinterpret_cast<NativeWide>(_mm_mul_epu32(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
#else
  return (a & 0xffffffff) * (b & 0xffffffff);
#endif
}

struct Random4Vec {
  IntVec word[4];
};

// philox(key, (c3, c2), (c1, c0)), with a c0 in each lane. Even lanes and odd ones go apart, since a product fills two;
// upper halves hold what no product reads.
LIKEWISE_INLINE Random4Vec philox(u64 key, u32 c3, u32 c2, u32 c1, IntVec c0) {
  Random4Vec draws;
  for (int part = 0; part < native_parts; ++part) {
    const NativeWide pairs = reinterpret_cast<NativeWide>(c0.part[part]);
    NativeWide word[2][4];
    for (int odd = 0; odd < 2; ++odd) {
      u32 k0 = static_cast<u32>(key), k1 = static_cast<u32>(key >> 32);
      NativeWide w0 = odd ? pairs >> 32 : pairs, w1 = wide_of(c1), w2 = wide_of(c2), w3 = wide_of(c3);
      for (int round = 0; round < 10; ++round) {
        const NativeWide a = wide_product(w0, wide_of(0xD2511F53)), b = wide_product(w2, wide_of(0xCD9E8D57));
        w0 = (b >> 32) ^ w1 ^ wide_of(k0);
        w2 = (a >> 32) ^ w3 ^ wide_of(k1);
        w1 = b;
        w3 = a;
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
      }
      const NativeWide found[4] = {w0, w1, w2, w3};
      for (int i = 0; i < 4; ++i) word[odd][i] = found[i];
    }
    for (int i = 0; i < 4; ++i)
      draws.word[i].part[part] = reinterpret_cast<NativeInt>((word[0][i] & wide_of(0xffffffff)) | (word[1][i] << 32));
  }
  return draws;
}

// Uniform in [0, 1), 24 bits: unit of core/random.h.
LIKEWISE_INLINE Vec unit(IntVec bits) { return to_float((bits >> 8) & broadcast_int(0xffffff)) * 0x1p-24f; }

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
