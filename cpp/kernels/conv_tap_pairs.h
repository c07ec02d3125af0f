// Convolutions of sequences with few filters, two taps at a time. The second tap of a place reads what the first tap of
// the next place reads, so that one read serves two multiply-adds: with a single vector of filters reads are the limit.
//   c_rj = start_rj + sum over pairs of taps, over channels and over both taps; a last tap without another comes alone
#pragma once

#include "cpp/kernels/conv_bands.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

constexpr i64 few_filters = 16;  // of a group

// Is it one, at any level? The order of sums depends on it, so nothing but the shape decides.
bool taps_in_pairs(const ConvShape& s) {
  constexpr i64 least_places = 11;
  return s.height == 1 && s.kernel_height == 1 && s.kernel_width > 1 && s.stride_width == s.dilation_width &&
         s.filters / s.groups <= few_filters && s.out_width >= least_places;
}

// Rows are places, segments are taps: B is [pairs, k, 2, panel], and [k, panel] of the last tap if they are odd.
template <int Rows, int Vectors>
void tap_pair_tiles(const Tiles& t) {
  const char* a = t.a;
  float* c = t.c;
  const i64 row = t.row_bytes;
  for (i64 tile = 0; tile < t.count; ++tile, a += Rows * row, c += Rows * t.ldc) {
    for (int r = 0; r < Rows; ++r) __builtin_prefetch(c + r * t.ldc, 1);
    Native sum[Rows][Vectors];
    begin_tile(t, c, sum);

    constexpr int bases = (Rows + 3) / 3;  // three rows to a pointer, as in `tiles`
    const char* base[bases];
#pragma GCC unroll 9
    for (int i = 0; i < bases; ++i) base[i] = a + 3 * i * row;
    const float* b = t.b;
    const auto advance = [&](i64 bytes) {
#pragma GCC unroll 9
      for (int i = 0; i < bases; ++i) {
        base[i] += bytes;
        asm("" : "+r"(base[i]));
      }
    };
    for (i64 pair = 0; pair < t.segments / 2; ++pair) {
#pragma GCC unroll 1
      for (i64 p = 0; p < t.k; ++p, b += 2 * t.ldb) {
        Native first[Vectors], second[Vectors];
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; ++v) {
          first[v] = load_native(b + v * native_lanes);
          second[v] = load_native(b + t.ldb + v * native_lanes);
          keep_in_register(first[v]);
          keep_in_register(second[v]);
        }
#pragma GCC unroll 32
        for (int r = 0; r <= Rows; ++r) {
          Native value = *reinterpret_cast<const float*>(base[r / 3] + r % 3 * row) - Native{};
          keep_in_register(value);
#pragma GCC unroll 2
          for (int v = 0; v < Vectors; ++v) {
            if (r > 0) sum[r - 1][v] = native_fma(value, second[v], sum[r - 1][v]);
            if (r < Rows) sum[r][v] = native_fma(value, first[v], sum[r][v]);
          }
        }
        advance(4);
      }
      advance(2 * row - 4 * t.k);
    }
    for (i64 p = 0; t.segments % 2 == 1 && p < t.k; ++p, b += t.ldb) {
#pragma GCC unroll 32
      for (int r = 0; r < Rows; ++r) {
        const Native value = *reinterpret_cast<const float*>(base[r / 3] + r % 3 * row) - Native{};
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; ++v) sum[r][v] = native_fma(value, load_native(b + v * native_lanes), sum[r][v]);
      }
      advance(4);
    }
    rectify_tile(t, sum);
    IntoRows::finish(t, c, sum);
  }
}

template <int Vectors, int... Rows>
struct TapPairTable {
  static constexpr i64 tallest = sizeof...(Rows);
  static constexpr TileKernel kernels[] = {tap_pair_tiles<Rows, Vectors>...};
  static void run(i64 rows, const Tiles& t) { run_tiles(kernels, tallest, rows, t); }
};
#if defined(__AVX512F__)
using OneVector =
    TapPairTable<1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24>;
#else
using OneVector = TapPairTable<1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12>;
using TwoVectors = TapPairTable<2, 1, 2, 3, 4, 5>;
#endif

void run_tap_pair_tiles(const Tiles& t, i64 places) {
#if !defined(__AVX512F__)  // where few filters are one vector
  if (lanes_for(t.columns) == panel_lanes) return TwoVectors::run(places, t);
#endif
  OneVector::run(places, t);
}

// The kernel as in pack_panels.
float* pack_tap_pairs(const ConvShape& s, const float* w, Scratch& scratch) {
  const i64 filters = s.filters / s.groups, channels = s.channels / s.groups, tap = channels * s.filters;
  float* packed = scratch.floats(s.groups * panel_floats(s));
  for (i64 group = 0; group < s.groups; ++group) {
    float* to = packed + group * panel_floats(s);
    for (i64 j = 0; j < filters; j += panel_lanes) {
      const i64 width = at_most(filters - j, panel_lanes), lanes = lanes_for(width);
      for (i64 first = 0; first < s.kernel_width; first += 2) {
        const i64 taps = at_most(s.kernel_width - first, 2);
        for (i64 c = 0; c < channels; ++c, to += taps * lanes)
          pack(w + first * tap + c * s.filters + group * filters + j, tap, taps, width, lanes, to);
      }
    }
  }
  return packed;
}

// As run_band.
void run_tap_pairs(const Band& band, const ConvShape& s, const float* packed, const float* bias,
                   Activation activation) {
  Tiles t;
  t.activation = activation;
  for_tiles(band, {s.kernel_width, s.channels / s.groups, nullptr}, packed, bias, t, run_tap_pair_tiles);
}

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
