// Convolutions with next to no filters: vectors run along what a place reads, not along filters.
//   y_pf = activation(b_f + the sum over lanes, by halves, of sum over runs and their vectors of x_p w_f)
#pragma once

#include "cpp/kernels/conv_bands.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

constexpr i64 most_dot_filters = 4;

i64 vectors_of(i64 floats) { return ceil_div(floats, vector_lanes); }

// Runs of floats that a place reads, as in runs_of.
struct DotRuns {
  i64 count, length;

  explicit DotRuns(const ConvShape& s) {
    const bool joined = s.dilation_width == 1 || s.kernel_width == 1;
    count = joined ? s.kernel_height : s.kernel_height * s.kernel_width;
    length = joined ? s.kernel_width * s.channels : s.channels;
  }
};

// Is this less work than vectors of filters, most of whose lanes would be empty? Counted in multiply-adds of 16 lanes
// at every level, so that all take the same way.
bool as_dots(const ConvShape& s) {
  if (s.groups > 1 || s.filters > most_dot_filters) return false;
  constexpr i64 a_sum = 8;  // over lanes
  const DotRuns runs(s);
  return 4 * s.filters * (runs.count * vectors_of(runs.length) + a_sum) < 3 * runs.count * runs.length;
}

// The kernel as [runs, vectors, filters, 16], zeros behind each run.
float* pack_dots(const ConvShape& s, const float* w, Scratch& scratch) {
  const DotRuns runs(s);
  const i64 block = s.filters * vector_lanes;
  float* packed = scratch.floats(runs.count * vectors_of(runs.length) * block);
  float* to = packed;
  for (i64 run = 0; run < runs.count; ++run, w += runs.length * s.filters)
    for (i64 j = 0; j < runs.length; j += vector_lanes, to += block)
      for (i64 f = 0; f < s.filters; ++f)
        for (i64 lane = 0; lane < vector_lanes; ++lane)
          to[f * vector_lanes + lane] = j + lane < runs.length ? w[(j + lane) * s.filters + f] : 0.f;
  return packed;
}

template <int filters, int places>
LIKEWISE_INLINE void dots(const float* source, i64 source_place, const Runs& runs, const float* packed,
                          const float* bias, float* out, i64 out_place) {
  Vec sum[places][filters];
#pragma GCC unroll 8
  for (int p = 0; p < places; ++p)
#pragma GCC unroll 4
    for (int f = 0; f < filters; ++f) sum[p][f] = 0.f;
  for (i64 run = 0; run < runs.count; ++run) {
    const float* from = source + runs.bytes[run] / 4;
    for_lanes(runs.length, [&](i64 j, auto lanes) {
      Vec x[places];
#pragma GCC unroll 8
      for (int p = 0; p < places; ++p) x[p] = lanes.load(from + p * source_place + j);
#pragma GCC unroll 4
      for (int f = 0; f < filters; ++f) {
        const Vec w = Vec::load(packed + f * vector_lanes);
#pragma GCC unroll 8
        for (int p = 0; p < places; ++p) sum[p][f] = fma(x[p], w, sum[p][f]);
      }
      packed += filters * vector_lanes;
    });
  }
  for (int p = 0; p < places; ++p)
    for (int f = 0; f < filters; ++f)
      out[p * out_place + f] = lw::LIKEWISE_LEVEL::sum(sum[p][f]) + (bias == nullptr ? 0.f : bias[f]);
}

// As run_band.
template <int filters = most_dot_filters>
void run_dots(const Band& band, const Runs& runs, const float* packed, const float* bias, Activation activation) {
  if constexpr (filters > 1)
    if (band.columns < filters) return run_dots<filters - 1>(band, runs, packed, bias, activation);
  constexpr int most = native_lanes < vector_lanes ? 1 : filters > 2 ? 4 : 8;  // as many as registers hold sums of
  for (i64 row = 0; row < band.rows; ++row) {
    const float* source = band.source + row * band.source_row;
    float* out = band.out + row * band.out_row;
    i64 place = 0;
    for (; place + most <= band.places; place += most)
      dots<filters, most>(source + place * band.source_place, band.source_place, runs, packed, bias,
                          out + place * band.out_place, band.out_place);
    for (; place < band.places; ++place)
      dots<filters, 1>(source + place * band.source_place, band.source_place, runs, packed, bias,
                       out + place * band.out_place, band.out_place);
    if (activation != Activation::linear) activate_tile(activation, out, band.out_place, band.places, band.columns);
  }
}

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
