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
  i64 rows, places, channels;
  i64 tap_rows, tap_columns;
  const i64* offsets;  // [tap rows, tap columns]

  i64 taps() const { return tap_rows * tap_columns; }
  // Does a tap read what the one before it reads a place later? Then all taps of a row share what they read.
  bool slides() const { return tap_columns > 1 && offsets[1] - offsets[0] == source_place; }
};

constexpr int most_sliding = 7;  // taps in a row

// Calls use<columns>() for a band that slides with so many taps in a row, use<0>() for any other.
template <int columns = most_sliding, typename Use>
LIKEWISE_INLINE void with_sliding(const DepthwiseBand& b, const Use& use) {
  if constexpr (columns < 2) {
    use.template operator()<0>();
  } else {
    if (b.slides() && b.tap_columns == columns)
      use.template operator()<columns>();
    else
      with_sliding<columns - 1>(b, use);
  }
}

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

// sum_p += sum over taps of x w, tap after tap; `w` are those of a vector of channels, `width` floats apart.
template <int count>
LIKEWISE_INLINE void add_taps(const DepthwiseBand& b, const float* source, const float* w, i64 width,
                              Native (&sum)[count]) {
  for (i64 t = 0; t < b.taps(); ++t, w += width) {
    const Native weight = load_native(w);
    const float* from = source + b.offsets[t];
#pragma GCC unroll 8
    for (int p = 0; p < count; ++p) sum[p] = native_fma(load_native(from + p * b.source_place), weight, sum[p]);
  }
}
// The same in the same order, where each place that is read is read once for a row of taps.
template <int columns, int count>
LIKEWISE_INLINE void add_sliding_taps(const DepthwiseBand& b, const float* source, const float* w, i64 width,
                                      Native (&sum)[count]) {
  for (i64 row = 0; row < b.tap_rows; ++row, w += columns * width) {
    Native weight[columns];
#pragma GCC unroll 8
    for (int t = 0; t < columns; ++t) weight[t] = load_native(w + t * width);
    const float* from = source + b.offsets[row * columns];
#pragma GCC unroll 16
    for (int i = 0; i < count + columns - 1; ++i) {
      const Native x = load_native(from + i * b.source_place);
#pragma GCC unroll 8
      for (int t = 0; t < columns; ++t)
        if (t <= i && i - t < count) sum[i - t] = native_fma(x, weight[t], sum[i - t]);
    }
  }
}

// `packed` as by pack_taps, `start` of whole vectors or null. One vector of channels after the other, so that the rows
// that taps share are still in the nearest cache.
void depthwise_band(const DepthwiseBand& b, const float* packed, const float* start, float* out, i64 out_row,
                    i64 out_place, Activation activation) {
  const i64 width = whole_vectors(b.channels);
  for (i64 c = 0; c < b.channels; c += native_lanes) {
    const i64 lanes = b.channels - c;
    const auto compute = [&]<int columns, int count>(i64 row, i64 place) {
      const float* source = b.source + row * b.source_row + place * b.source_place + c;
      float* to = out + row * out_row + place * out_place + c;
      Native sum[count];
      for (int p = 0; p < count; ++p) sum[p] = start == nullptr ? Native{} : load_native(start + c);
      if constexpr (columns > 0)
        add_sliding_taps<columns>(b, source, packed + c, width, sum);
      else
        add_taps(b, source, packed + c, width, sum);
      for (int p = 0; p < count; ++p)
        lanes >= native_lanes ? store_native(to + p * out_place, sum[p])
                              : native_store_up_to(to + p * out_place, sum[p], lanes);
    };
    with_sliding(b, [&]<int columns>() {
      for (i64 row = 0; row < b.rows; ++row)
        if (columns == 0 || b.places < most_sums)
          deal<most_sums>(b.places, [&]<int count>(i64 place) { compute.template operator()<0, count>(row, place); });
        else  // the last ones may be done twice
          for (i64 place = 0; place < b.places; place += most_sums)
            compute.template operator()<columns, most_sums>(row, at_most(place, b.places - most_sums));
    });
  }
  if (activation == Activation::linear) return;
  for (i64 row = 0; row < b.rows; ++row) {
    float* y = out + row * out_row;  // of a forward pass, whose places follow each other
    for_lanes(b.places * b.channels,
              [&](i64 j, auto lanes) { lanes.store(y + j, activate(activation, lanes.load(y + j))); });
  }
}

// dw [taps, channels] += what some rows of places say: taps `tap` to `tap + count` of a vector of channels from c.
template <int count>
void add_to_taps(const DepthwiseBand& b, const float* dy, i64 dy_row, i64 tap, i64 c, Native (&sum)[count]) {
  const i64* offsets = b.offsets + tap;
  for (i64 row = 0; row < b.rows; ++row) {
    const float *source = b.source + row * b.source_row + c, *slope = dy + row * dy_row + c;
    for (i64 place = 0; place < b.places; ++place, source += b.source_place, slope += b.channels) {
      const Native by = load_native(slope);
#pragma GCC unroll 8
      for (int t = 0; t < count; ++t) sum[t] = native_fma(load_native(source + offsets[t]), by, sum[t]);
    }
  }
}
// The same for rows of taps that slide: what they read of x stays in registers until the last tap has passed by.
template <int columns, int tap_rows>
void add_to_sliding_taps(const DepthwiseBand& b, const float* dy, i64 dy_row, i64 tap, i64 c,
                         Native (&sum)[tap_rows * columns]) {
  for (i64 row = 0; row < b.rows; ++row) {
    const float *source = b.source + row * b.source_row + c, *slope = dy + row * dy_row + c;
    const float* from[tap_rows];
    Native x[tap_rows][columns];
#pragma GCC unroll 2
    for (int r = 0; r < tap_rows; ++r) {
      from[r] = source + b.offsets[tap + r * columns];
#pragma GCC unroll 8
      for (int t = 1; t < columns; ++t, from[r] += b.source_place) x[r][t] = load_native(from[r]);
    }
    for (i64 place = 0; place < b.places; ++place, slope += b.channels) {
      const Native by = load_native(slope);
#pragma GCC unroll 2
      for (int r = 0; r < tap_rows; ++r) {
#pragma GCC unroll 8
        for (int t = 1; t < columns; ++t) x[r][t - 1] = x[r][t];
        x[r][columns - 1] = load_native(from[r]);
        from[r] += b.source_place;
#pragma GCC unroll 8
        for (int t = 0; t < columns; ++t) sum[r * columns + t] = native_fma(x[r][t], by, sum[r * columns + t]);
      }
    }
  }
}

// dw [taps, channels] += what some rows of places say. dy has a vector more than it has places, too.
void depthwise_weight_rows(const DepthwiseBand& b, const float* dy, i64 dy_row, float* dw) {
  const auto taps = [&]<int count>(i64 tap, i64 c, const auto& add) {
    const i64 lanes = b.channels - c;
    float* to = dw + tap * b.channels + c;
    Native sum[count];
    for (int t = 0; t < count; ++t) sum[t] = native_load_up_to(to + t * b.channels, lanes);
    add(sum);
    for (int t = 0; t < count; ++t) native_store_up_to(to + t * b.channels, sum[t], lanes);
  };
  for (i64 c = 0; c < b.channels; c += native_lanes)
    with_sliding(b, [&]<int columns>() {
      if constexpr (columns == 0) {
        deal<most_sums>(b.taps(), [&]<int count>(i64 tap) {
          taps.template operator()<count>(tap, c, [&](auto& sum) { add_to_taps(b, dy, dy_row, tap, c, sum); });
        });
      } else {  // two rows at a time where registers suffice
        constexpr int most = 4 * columns + 2 <= native_registers ? 2 : 1;
        deal<most>(b.tap_rows, [&]<int tap_rows>(i64 row) {
          taps.template operator()<tap_rows * columns>(row * columns, c, [&](auto& sum) {
            add_to_sliding_taps<columns, tap_rows>(b, dy, dy_row, row * columns, c, sum);
          });
        });
      }
    });
}

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
