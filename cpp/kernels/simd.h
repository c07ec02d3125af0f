// Vectors of 16 floats at every instruction-set level: one register at v4, two at v3, four at v2 and NEON. A reduction
// over lanes is the same tree everywhere, so v3, v4 and NEON agree bit for bit (v2 has no fused multiply-add).
//
//   for_lanes(n, [&](i64 j, auto lanes) { lanes.store(y + j, a * lanes.load(x + j)); });
//
// runs one body over whole vectors and the tail; tail lanes load zeros and are not stored.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "cpp/core/types.h"

#define LIKEWISE_INLINE [[gnu::always_inline]] inline

namespace lw::LIKEWISE_LEVEL {
namespace {

#if defined(__AVX512F__)
constexpr int native_lanes = 16, native_registers = 32;
#elif defined(__AVX2__)
constexpr int native_lanes = 8, native_registers = 16;
#elif defined(__SSE2__)
constexpr int native_lanes = 4, native_registers = 16;
#else
constexpr int native_lanes = 4, native_registers = 32;
#endif
constexpr int vector_lanes = 16;
constexpr int native_parts = vector_lanes / native_lanes;

typedef float Native __attribute__((vector_size(4 * native_lanes)));
typedef i32 NativeInt __attribute__((vector_size(4 * native_lanes)));
typedef u32 NativeBits __attribute__((vector_size(4 * native_lanes)));
typedef float NativeUnaligned __attribute__((vector_size(4 * native_lanes), aligned(4), may_alias));
typedef i32 NativeIntUnaligned __attribute__((vector_size(4 * native_lanes), aligned(4), may_alias));

LIKEWISE_INLINE Native native_fma(Native a, Native b, Native c) {  // a b + c
#if defined(__AVX512F__)
  return _mm512_fmadd_ps(a, b, c);
#elif defined(__AVX2__)
  return _mm256_fmadd_ps(a, b, c);
#elif defined(__ARM_FEATURE_FMA)
  Native result;
  for (int i = 0; i < native_lanes; ++i) result[i] = __builtin_fmaf(a[i], b[i], c[i]);
  return result;
#else
  return a * b + c;
#endif
}
LIKEWISE_INLINE Native native_sqrt(Native a) {
#if defined(__AVX512F__)
  return _mm512_maskz_sqrt_ps(0xffff, a);  // the plain form has an undefined operand that GCC warns about
#elif defined(__AVX2__)
  return _mm256_sqrt_ps(a);
#elif defined(__SSE2__)
  return _mm_sqrt_ps(a);
#else
  Native result;
  for (int i = 0; i < native_lanes; ++i) result[i] = __builtin_sqrtf(a[i]);
  return result;
#endif
}
// The greater; `b` where either is NaN, as std::max(b, a) does.
LIKEWISE_INLINE Native native_max(Native a, Native b) {
#if defined(__AVX512F__)
  return _mm512_mask_max_ps(a, 0xffff, a, b);  // GCC 12 warns of the unmasked form
#elif defined(__AVX2__)
  return _mm256_max_ps(a, b);
#elif defined(__SSE2__)
  return _mm_max_ps(a, b);
#else
  return a > b ? a : b;
#endif
}
LIKEWISE_INLINE Native native_min(Native a, Native b) {  // the same for the lesser
#if defined(__AVX512F__)
  return _mm512_mask_min_ps(a, 0xffff, a, b);
#elif defined(__AVX2__)
  return _mm256_min_ps(a, b);
#elif defined(__SSE2__)
  return _mm_min_ps(a, b);
#else
  return a < b ? a : b;
#endif
}
LIKEWISE_INLINE bool native_has_nan(Native a) {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q) != 0;
#elif defined(__AVX2__)
  return _mm256_movemask_ps(_mm256_cmp_ps(a, a, _CMP_UNORD_Q)) != 0;
#elif defined(__SSE2__)
  return _mm_movemask_ps(_mm_cmpunord_ps(a, a)) != 0;
#else
  bool found = false;
  for (int i = 0; i < native_lanes; ++i) found |= a[i] != a[i];
  return found;
#endif
}
// The first `count` lanes; the others are zero, or are left alone in memory.
LIKEWISE_INLINE Native native_load(const float* from, int count) {
#if defined(__AVX512F__)
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), from);
#elif defined(__AVX2__)
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_maskload_ps(from, _mm256_cmpgt_epi32(_mm256_set1_epi32(count), lane));
#else
  Native result = {};
  for (int i = 0; i < native_lanes; ++i)
    if (i < count) result[i] = from[i];
  return result;
#endif
}
LIKEWISE_INLINE void native_store(float* to, Native value, int count) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1), value);
#elif defined(__AVX2__)  // a masked store takes dozens of steps on some processors; pieces of 4, 2 and 1 take three
  __m128 rest = _mm256_castps256_ps128(value);
  if (count & 4) {
    _mm_storeu_ps(to, rest);
    rest = _mm256_extractf128_ps(value, 1);
    to += 4;
  }
  if (count & 2) {
    _mm_storel_pi(reinterpret_cast<__m64*>(to), rest);
    rest = _mm_movehl_ps(rest, rest);
    to += 2;
  }
  if (count & 1) _mm_store_ss(to, rest);
#else
  for (int i = 0; i < native_lanes; ++i)
    if (i < count) to[i] = value[i];
#endif
}

// The same for any count, below zero and above the lanes too.
LIKEWISE_INLINE Native native_load_up_to(const float* from, i64 count) {
  if (count >= native_lanes) return *reinterpret_cast<const NativeUnaligned*>(from);
  return count > 0 ? native_load(from, static_cast<int>(count)) : Native{};
}
LIKEWISE_INLINE void native_store_up_to(float* to, Native value, i64 count) {
  if (count >= native_lanes)
    *reinterpret_cast<NativeUnaligned*>(to) = value;
  else if (count > 0)
    native_store(to, value, static_cast<int>(count));
}

struct Mask {
  NativeInt part[native_parts];
};
struct IntVec {
  NativeInt part[native_parts];
};
struct Vec {
  Native part[native_parts];

  Vec() = default;
  LIKEWISE_INLINE Vec(float value) {  // broadcast
    for (Native& p : part) p = value - Native{};
  }
  LIKEWISE_INLINE static Vec load(const float* from) {
    Vec v;
    for (int i = 0; i < native_parts; ++i)
      v.part[i] = *reinterpret_cast<const NativeUnaligned*>(from + i * native_lanes);
    return v;
  }
  LIKEWISE_INLINE static Vec load(const float* from, i64 count) {
    Vec v;
    for (int i = 0; i < native_parts; ++i) {
      const i64 left = count - i * native_lanes;
      v.part[i] = left >= native_lanes ? Native(*reinterpret_cast<const NativeUnaligned*>(from + i * native_lanes))
                  : left > 0           ? native_load(from + i * native_lanes, static_cast<int>(left))
                                       : Native{};
    }
    return v;
  }
  LIKEWISE_INLINE void store(float* to) const {
    for (int i = 0; i < native_parts; ++i) *reinterpret_cast<NativeUnaligned*>(to + i * native_lanes) = part[i];
  }
  LIKEWISE_INLINE void store(float* to, i64 count) const {
    for (int i = 0; i < native_parts; ++i) {
      const i64 left = count - i * native_lanes;
      if (left >= native_lanes)
        *reinterpret_cast<NativeUnaligned*>(to + i * native_lanes) = part[i];
      else if (left > 0)
        native_store(to + i * native_lanes, part[i], static_cast<int>(left));
    }
  }
};

#define LIKEWISE_EACH(Result, expression)                            \
  do {                                                               \
    Result r;                                                        \
    for (int i = 0; i < native_parts; ++i) r.part[i] = (expression); \
    return r;                                                        \
  } while (false)

LIKEWISE_INLINE Vec operator+(Vec a, Vec b) { LIKEWISE_EACH(Vec, a.part[i] + b.part[i]); }
LIKEWISE_INLINE Vec operator-(Vec a, Vec b) { LIKEWISE_EACH(Vec, a.part[i] - b.part[i]); }
LIKEWISE_INLINE Vec operator*(Vec a, Vec b) { LIKEWISE_EACH(Vec, a.part[i] * b.part[i]); }
LIKEWISE_INLINE Vec operator/(Vec a, Vec b) { LIKEWISE_EACH(Vec, a.part[i] / b.part[i]); }
LIKEWISE_INLINE Vec operator-(Vec a) { LIKEWISE_EACH(Vec, -a.part[i]); }
LIKEWISE_INLINE Vec& operator+=(Vec& a, Vec b) { return a = a + b; }
LIKEWISE_INLINE Vec& operator*=(Vec& a, Vec b) { return a = a * b; }

LIKEWISE_INLINE Mask operator<(Vec a, Vec b) { LIKEWISE_EACH(Mask, a.part[i] < b.part[i]); }
LIKEWISE_INLINE Mask operator<=(Vec a, Vec b) { LIKEWISE_EACH(Mask, a.part[i] <= b.part[i]); }
LIKEWISE_INLINE Mask operator>(Vec a, Vec b) { LIKEWISE_EACH(Mask, a.part[i] > b.part[i]); }
LIKEWISE_INLINE Mask operator>=(Vec a, Vec b) { LIKEWISE_EACH(Mask, a.part[i] >= b.part[i]); }
LIKEWISE_INLINE Mask operator==(Vec a, Vec b) { LIKEWISE_EACH(Mask, a.part[i] == b.part[i]); }
LIKEWISE_INLINE Mask operator!=(Vec a, Vec b) { LIKEWISE_EACH(Mask, a.part[i] != b.part[i]); }
LIKEWISE_INLINE Mask operator&(Mask a, Mask b) { LIKEWISE_EACH(Mask, a.part[i] & b.part[i]); }
LIKEWISE_INLINE Mask operator|(Mask a, Mask b) { LIKEWISE_EACH(Mask, a.part[i] | b.part[i]); }
// Bit i is lane i of the mask.
LIKEWISE_INLINE u32 lanes_of(Mask m) {
  u32 bits = 0;
  for (int i = 0; i < native_parts; ++i) {
#if defined(__AVX512F__)
    const u32 part = _mm512_movepi32_mask(reinterpret_cast<__m512i>(m.part[i]));
#elif defined(__AVX2__)
    const u32 part = static_cast<u32>(_mm256_movemask_ps(reinterpret_cast<__m256>(m.part[i])));
#elif defined(__SSE2__)
    const u32 part = static_cast<u32>(_mm_movemask_ps(reinterpret_cast<__m128>(m.part[i])));
#else
    u32 part = 0;
    for (int lane = 0; lane < native_lanes; ++lane) part |= m.part[i][lane] ? 1u << lane : 0u;
#endif
    bits |= part << (i * native_lanes);
  }
  return bits;
}
// lanes_of(a > b) and lanes_of(a == b), which at v4 are one instruction each.
LIKEWISE_INLINE u32 lanes_above(Vec a, Vec b) {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask(a.part[0], b.part[0], _CMP_GT_OQ);
#else
  return lanes_of(a > b);
#endif
}
LIKEWISE_INLINE u32 lanes_equal(Vec a, Vec b) {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask(a.part[0], b.part[0], _CMP_EQ_OQ);
#else
  return lanes_of(a == b);
#endif
}
LIKEWISE_INLINE Vec select(Mask m, Vec yes, Vec no) { LIKEWISE_EACH(Vec, m.part[i] ? yes.part[i] : no.part[i]); }

LIKEWISE_INLINE Vec fma(Vec a, Vec b, Vec c) { LIKEWISE_EACH(Vec, native_fma(a.part[i], b.part[i], c.part[i])); }
LIKEWISE_INLINE Vec sqrt(Vec a) { LIKEWISE_EACH(Vec, native_sqrt(a.part[i])); }
// As std::min and std::max: a NaN in `a` stays, since comparisons with it are false.
LIKEWISE_INLINE Vec min(Vec a, Vec b) { LIKEWISE_EACH(Vec, native_min(b.part[i], a.part[i])); }
LIKEWISE_INLINE Vec max(Vec a, Vec b) { LIKEWISE_EACH(Vec, native_max(b.part[i], a.part[i])); }

LIKEWISE_INLINE IntVec bits_of(Vec a) { LIKEWISE_EACH(IntVec, reinterpret_cast<NativeInt>(a.part[i])); }
LIKEWISE_INLINE Vec from_bits(IntVec a) { LIKEWISE_EACH(Vec, reinterpret_cast<Native>(a.part[i])); }
LIKEWISE_INLINE IntVec broadcast_int(i32 value) { LIKEWISE_EACH(IntVec, value - NativeInt{}); }
// Integers wrap around, as the instructions do.
LIKEWISE_INLINE IntVec operator+(IntVec a, IntVec b) {
  LIKEWISE_EACH(IntVec, reinterpret_cast<NativeInt>(NativeBits(a.part[i]) + NativeBits(b.part[i])));
}
LIKEWISE_INLINE IntVec operator-(IntVec a, IntVec b) {
  LIKEWISE_EACH(IntVec, reinterpret_cast<NativeInt>(NativeBits(a.part[i]) - NativeBits(b.part[i])));
}
LIKEWISE_INLINE IntVec operator&(IntVec a, IntVec b) { LIKEWISE_EACH(IntVec, a.part[i] & b.part[i]); }
LIKEWISE_INLINE IntVec operator|(IntVec a, IntVec b) { LIKEWISE_EACH(IntVec, a.part[i] | b.part[i]); }
LIKEWISE_INLINE IntVec operator<<(IntVec a, int bits) {
  LIKEWISE_EACH(IntVec, reinterpret_cast<NativeInt>(NativeBits(a.part[i]) << bits));
}
LIKEWISE_INLINE IntVec operator>>(IntVec a, int bits) { LIKEWISE_EACH(IntVec, a.part[i] >> bits); }
LIKEWISE_INLINE Vec to_float(IntVec a) { LIKEWISE_EACH(Vec, __builtin_convertvector(a.part[i], Native)); }
LIKEWISE_INLINE IntVec to_int(Vec a) {
  LIKEWISE_EACH(IntVec, __builtin_convertvector(a.part[i], NativeInt));
}  // truncates

LIKEWISE_INLINE Vec abs(Vec a) { return from_bits(bits_of(a) & broadcast_int(0x7fffffff)); }

// Horizontal reductions: lanes 8 apart, then 4, 2, 1. Here `combine` takes two numbers ...
template <typename Combine>
LIKEWISE_INLINE float reduce(Vec a, Combine combine) {
  float lane[vector_lanes];
  a.store(lane);
  for (int half = vector_lanes / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lane[i] = combine(lane[i], lane[i + half]);
  return lane[0];
}
// ... and here two vectors of any number of lanes too: the same tree without a detour through memory.
typedef float FourLanes __attribute__((vector_size(16)));
typedef float EightLanes __attribute__((vector_size(32)));

template <typename Combine>
LIKEWISE_INLINE FourLanes reduce_to_four(Vec a, Combine combine) {
#if defined(__AVX512F__) || defined(__AVX2__)
#if defined(__AVX512F__)
  const EightLanes eight = combine(__builtin_shufflevector(a.part[0], a.part[0], 0, 1, 2, 3, 4, 5, 6, 7),
                                   __builtin_shufflevector(a.part[0], a.part[0], 8, 9, 10, 11, 12, 13, 14, 15));
#else
  const EightLanes eight = combine(a.part[0], a.part[1]);
#endif
  return combine(__builtin_shufflevector(eight, eight, 0, 1, 2, 3), __builtin_shufflevector(eight, eight, 4, 5, 6, 7));
#else
  return combine(combine(a.part[0], a.part[2]), combine(a.part[1], a.part[3]));
#endif
}
template <typename Combine>
LIKEWISE_INLINE float reduce_by_halves(Vec a, Combine combine) {
  const FourLanes four = reduce_to_four(a, combine);
  const FourLanes two = combine(four, __builtin_shufflevector(four, four, 2, 3, 2, 3));
  return combine(two[0], two[1]);
}
LIKEWISE_INLINE float sum(Vec a) {
  return reduce_by_halves(a, [](auto x, auto y) { return x + y; });
}
LIKEWISE_INLINE float highest(Vec a) {
  return reduce_by_halves(a, [](auto x, auto y) { return x < y ? y : x; });
}

constexpr float lane_numbers[vector_lanes] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

// load(from, filler): lanes beyond the tail hold `filler` instead of 0.
struct WholeLanes {
  static constexpr bool whole = true;
  LIKEWISE_INLINE i64 count() const { return vector_lanes; }
  LIKEWISE_INLINE Vec load(const float* from) const { return Vec::load(from); }
  LIKEWISE_INLINE Vec load(const float* from, float) const { return Vec::load(from); }
  LIKEWISE_INLINE void store(float* to, Vec value) const { value.store(to); }
};
struct TailLanes {
  static constexpr bool whole = false;
  i64 left;
  LIKEWISE_INLINE i64 count() const { return left; }
  LIKEWISE_INLINE Vec load(const float* from) const { return Vec::load(from, left); }
  LIKEWISE_INLINE Vec load(const float* from, float filler) const {
    return select(Vec::load(lane_numbers) < Vec(static_cast<float>(left)), load(from), filler);
  }
  LIKEWISE_INLINE void store(float* to, Vec value) const { value.store(to, left); }
};

template <typename Body>
LIKEWISE_INLINE void for_lanes(i64 n, const Body& body) {
  i64 j = 0;
  for (; j + vector_lanes <= n; j += vector_lanes) body(j, WholeLanes{});
  if (j < n) body(j, TailLanes{n - j});
}

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
