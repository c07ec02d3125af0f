// Counter-based random numbers: Philox 4x32-10 (Salmon et al., SC 2011). A draw is a pure function of a key and a
// counter, so it is the same whichever thread or device asks for it, and in whatever order.
#pragma once

#include "cpp/core/types.h"

namespace lw {

struct Random4 {
  u32 word[4];
};

[[gnu::always_inline]] constexpr inline Random4 philox(u64 key, u64 high, u64 low) {
  u32 k0 = static_cast<u32>(key), k1 = static_cast<u32>(key >> 32);
  u32 c0 = static_cast<u32>(low), c1 = static_cast<u32>(low >> 32);
  u32 c2 = static_cast<u32>(high), c3 = static_cast<u32>(high >> 32);
  for (int round = 0; round < 10; ++round) {
    const u64 a = u64{0xD2511F53} * c0, b = u64{0xCD9E8D57} * c2;
    c0 = static_cast<u32>(b >> 32) ^ c1 ^ k0;
    c2 = static_cast<u32>(a >> 32) ^ c3 ^ k1;
    c1 = static_cast<u32>(b);
    c3 = static_cast<u32>(a);
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return {{c0, c1, c2, c3}};
}

// Keys of independent streams, from a seed and what the draws are for: key(seed, purpose, epoch). (SplitMix64's mixer.)
[[gnu::always_inline]] constexpr inline u64 mixed(u64 x) {
  x += 0x9E3779B97F4A7C15;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}
template <typename... Rest>
[[gnu::always_inline]] constexpr inline u64 random_key(u64 seed, Rest... rest) {
  u64 key = mixed(seed);
  ((key = mixed(key ^ static_cast<u64>(rest))), ...);
  return key;
}

// Uniform in {0, ..., n - 1}, n < 2^32; the bias is below n / 2^32.
[[gnu::always_inline]] constexpr inline u32 below(u32 bits, u32 n) {
  return static_cast<u32>((static_cast<u64>(bits) * n) >> 32);
}
// Uniform in [0, 1), 24 bits.
[[gnu::always_inline]] constexpr inline float unit(u32 bits) { return static_cast<float>(bits >> 8) * 0x1p-24f; }

}  // namespace lw
