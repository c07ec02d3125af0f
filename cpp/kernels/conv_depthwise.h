// Convolutions whose channels have filters of their own: there is no product over channels, so vectors run along them,
// and the sums of some places, or those of some taps, stay in registers.
//   y_pc = start_c + sum_t x_{p + t, c} w_tc        dw_tc = sum_p x_{p + t, c} dy_pc
#pragma once

#include "cpp/kernels/conv_bands.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

bool depthwise(const ConvShape& s) { return s.groups == s.channels && s.groups == s.filters && s.groups > 1; }

i64 whole_vectors(i64 channels) { return ceil_div(channels, native_lanes) * native_lanes; }

// Rows of taps as whole vectors, zeros beyond the channels: [taps, whole_vectors(channels)].
float* pack_taps(const float* w, i64 taps, i64 channels, Scratch& scratch) {
  const i64 width = whole_vectors(channels);
  float* packed = scratch.floats(taps * width);
  pack(w, channels, taps, channels, width, packed);
  return packed;
}

// Where taps read, in floats after a place's own.
i64* tap_offsets(i64 rows, i64 row_step, i64 columns, i64 column_step, Scratch& scratch) {
  i64* offsets = scratch.get<i64>(rows * columns);
  for (i64 r = 0; r < rows; ++r)
    for (i64 c = 0; c < columns; ++c) offsets[r * columns + c] = r * row_step + c * column_step;
  return offsets;
}

// A last vector of channels reads what follows them, so that the source must have a vector more than it has places.
struct DepthwiseBand {
  const float* source;
  i64 source_row, source_place;  // floats
  i64 rows, places, channels, taps;
  const i64* offsets;  // [taps]
};

// Calls use(first, std::integral_constant count) so that counts add up to `all`, dealt evenly, each at most `most`.
template <int most, typename Use>
LIKEWISE_INLINE void deal_one(i64 first, i64 count, const Use& use) {
  if constexpr (most > 0) {
    if (count == most)
      use.template operator()<most>(first);
    else
      deal_one<most - 1>(first, count, use);
  }
}
template <int most, typename Use>
LIKEWISE_INLINE void deal(i64 all, const Use& use) {
  const i64 parts = ceil_div(all, most);
  for (i64 part = 0; part < parts; ++part)
    deal_one<most>(all * part / parts, all * (part + 1) / parts - all * part / parts, use);
}

constexpr int most_sums = 8;  // enough that none waits for the one before it

// `packed` as by pack_taps, `start` of whole vectors or null.
void depthwise_band(const DepthwiseBand& b, const float* packed, const float* start, float* out, i64 out_row,
                    i64 out_place, Activation activation) {
  const i64 width = whole_vectors(b.channels);
  for (i64 row = 0; row < b.rows; ++row) {
    deal<most_sums>(b.places, [&]<int count>(i64 place) {
      const float* source = b.source + row * b.source_row + place * b.source_place;
      float* to = out + row * out_row + place * out_place;
      for (i64 c = 0; c < b.channels; c += native_lanes) {
        Native sum[count];
        for (int p = 0; p < count; ++p) sum[p] = start == nullptr ? Native{} : load_native(start + c);
        const float* w = packed + c;
        for (i64 t = 0; t < b.taps; ++t, w += width) {
          const Native weight = load_native(w);
          const float* from = source + c + b.offsets[t];
#pragma GCC unroll 8
          for (int p = 0; p < count; ++p) sum[p] = native_fma(load_native(from + p * b.source_place), weight, sum[p]);
        }
        const i64 lanes = b.channels - c;
        for (int p = 0; p < count; ++p)
          lanes >= native_lanes ? store_native(to + p * out_place + c, sum[p])
                                : native_store_up_to(to + p * out_place + c, sum[p], lanes);
      }
    });
    if (activation == Activation::linear) continue;
    float* y = out + row * out_row;  // of a forward pass, whose places follow each other
    for_lanes(b.places * b.channels,
              [&](i64 j, auto lanes) { lanes.store(y + j, activate(activation, lanes.load(y + j))); });
  }
}

// dw [taps, channels] += what some rows of places say. dy has a vector more than it has places, too.
void depthwise_weight_rows(const DepthwiseBand& b, const float* dy, i64 dy_row, float* dw) {
  for (i64 c = 0; c < b.channels; c += native_lanes)
    deal<most_sums>(b.taps, [&]<int count>(i64 tap) {
      const i64 lanes = b.channels - c;
      float* to = dw + tap * b.channels + c;
      Native sum[count];
      for (int t = 0; t < count; ++t) sum[t] = native_load_up_to(to + t * b.channels, lanes);
      const i64* offsets = b.offsets + tap;
      for (i64 row = 0; row < b.rows; ++row) {
        const float *source = b.source + row * b.source_row + c, *slope = dy + row * dy_row + c;
        for (i64 place = 0; place < b.places; ++place, source += b.source_place, slope += b.channels) {
          const Native by = load_native(slope);
#pragma GCC unroll 8
          for (int t = 0; t < count; ++t) sum[t] = native_fma(load_native(source + offsets[t]), by, sum[t]);
        }
      }
      for (int t = 0; t < count; ++t) native_store_up_to(to + t * b.channels, sum[t], lanes);
    });
}

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
