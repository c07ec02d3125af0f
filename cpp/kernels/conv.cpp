#include "cpp/kernels/conv.h"

#include "cpp/core/arena.h"
#include "cpp/core/parallel.h"
#include "cpp/kernels/conv_depthwise.h"
#include "cpp/kernels/conv_filter_bank.h"

// A convolution is a matrix product whose left side is never made: the row of an output place is the taps' runs of
// channels, which lie in x already, at the same distances from every place. Taps that follow each other in memory are
// one run.

namespace lw::LIKEWISE_LEVEL {
namespace {

// Calls use(rows, what they read of x, the first of them in y, scratch) for bands of the rows of all images.
template <typename Use>
void for_row_bands(const ConvForward& k, double row_ns, bool copied, const Use& use) {
  const ConvShape& s = k.shape;
  const i64 band_rows = at_most(rows_for(row_ns / 2), s.out_height), bands = ceil_div(s.out_height, band_rows);
  parallel_for(
      s.batch * bands, 1,
      [&](i64 begin, i64 end) {
        for (i64 task = begin; task < end; ++task) {
          const i64 image = task / bands, first = task % bands * band_rows;
          const i64 rows = at_most(band_rows, s.out_height - first);
          Scratch own;
          const float* x = k.x + image * s.height * s.width * s.channels;
          use(rows, window_of_rows(s, x, first, rows, own, copied),
              k.y + (image * s.out_height + first) * s.out_width * s.filters, own);
        }
      },
      static_cast<i64>(row_ns * static_cast<double>(band_rows)));
}

void depthwise_forward(const ConvForward& k) {
  const ConvShape& s = k.shape;
  const i64 n = s.channels, taps = s.kernel_height * s.kernel_width;
  Scratch scratch;
  const float* packed = pack_taps(k.w, taps, n, scratch);
  const float* start = k.bias == nullptr ? nullptr : pack_taps(k.bias, 1, n, scratch);
  const double row_ns = 0.03 * static_cast<double>(s.out_width * taps * n);
  for_row_bands(k, row_ns, n % native_lanes != 0, [&](i64 rows, const Window& x, float* y, Scratch& own) {
    const i64* offsets =
        tap_offsets(s.kernel_height, s.dilation_height * x.row, s.kernel_width, s.dilation_width * n, own);
    depthwise_band({x.at, s.stride_height * x.row, s.stride_width * n, rows, s.out_width, n, s.kernel_height,
                    s.kernel_width, offsets},
                   packed, start, y, s.out_width * n, n, k.activation);
  });
}

}  // namespace

void conv_forward(const ConvForward& k) {
  const ConvShape& s = k.shape;
  if (s.batch * s.out_height * s.out_width * s.filters == 0) return;
  if (depthwise(s)) return depthwise_forward(k);
  const i64 channels = s.channels / s.groups, filters = s.filters / s.groups;
  const i64 taps = s.kernel_height * s.kernel_width;
  Scratch scratch;
  const FilterBank bank(s, k.w, scratch);

  const double row_ns = 0.02 * static_cast<double>(s.out_width * taps * channels * s.filters);
  for_row_bands(k, row_ns, false, [&](i64 rows, const Window& x, float* y, Scratch& own) {
    const Runs runs = runs_of(s.kernel_height, s.dilation_height * x.row, s.kernel_width, s.dilation_width * s.channels,
                              channels, own);
    for (i64 group = 0; group < s.groups; ++group) {
      const i64 first = group * filters;
      bank.run({x.at + group * channels, s.stride_height * x.row, s.stride_width * s.channels, y + first,
                s.out_width * s.filters, s.filters, rows, s.out_width, filters},
               runs, k.bias == nullptr ? nullptr : k.bias + first, k.activation, group);
    }
  });
}

}  // namespace lw::LIKEWISE_LEVEL
