// Which part of x the pools behind a convolution look at.
#pragma once

#include "cpp/kernels/conv_bands.h"
#include "cpp/kernels/pool_places.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

// Columns of the convolution that pools look at.
i64 pooled_columns(const PoolShape& p) {
  return at_most(p.width, (p.out_width - 1) * p.stride_width - p.pad_left + p.pool_width);
}

struct Rows {
  i64 begin, end;
};
// Rows of the convolution that rows of pools look at.
Rows pooled_rows(const PoolShape& p, i64 first, i64 last) {
  const i64 begin = first * p.stride_height - p.pad_top;
  return {begin < 0 ? 0 : begin, at_most(p.height, (last - 1) * p.stride_height - p.pad_top + p.pool_height)};
}

// The part of an image that places read; it may reach beyond.
struct Reach {
  i64 top, left, height, width;
};
Reach reach_of(const ConvShape& s, const Rows& rows, i64 columns) {
  return {rows.begin * s.stride_height - s.pad_top, -s.pad_left,
          (rows.end - rows.begin - 1) * s.stride_height + (s.kernel_height - 1) * s.dilation_height + 1,
          (columns - 1) * s.stride_width + (s.kernel_width - 1) * s.dilation_width + 1};
}
Window window_of(const ConvShape& s, const float* image, const Rows& rows, i64 columns, Scratch& scratch) {
  const Reach reach = reach_of(s, rows, columns);
  return window(image, s.height, s.width, s.channels, reach.top, reach.left, reach.height, reach.width, scratch);
}

// Places that read next to nothing are better read from a copy, one run each.
bool reads_little(const ConvShape& s) {
  return s.kernel_height > 1 && s.kernel_width * s.channels < 8 && s.dilation_width == 1;
}

// Floats from patch to patch: the last run is copied as a whole vector too.
constexpr i64 copied_floats = 8;
i64 patch_floats(const ConvShape& s) {
  return ceil_div((s.kernel_height - 1) * s.kernel_width * s.channels + copied_floats, native_lanes) * native_lanes;
}

// Copies what each place reads, [rows, columns, patch_floats]. Runs are copied as whole vectors, of which the next run
// overwrites what is too much, but where x ends.
const float* patches(const ConvShape& s, const Window& x, i64 rows, i64 columns, Scratch& scratch) {
  const i64 length = patch_floats(s), run = s.kernel_width * s.channels, step = s.stride_width * s.channels;
  float* to = scratch.floats(rows * columns * length);
  const float* last = x.at + ((rows - 1) * s.stride_height + (s.kernel_height - 1) * s.dilation_height) * x.row +
                      (columns - 1) * step + run - copied_floats;  // a vector from here ends with the last run
  for (i64 row = 0; row < rows; ++row)
    for (i64 a = 0; a < s.kernel_height; ++a) {
      const float* from = x.at + (row * s.stride_height + a * s.dilation_height) * x.row;
      float* patch = to + row * columns * length + a * run;
      for (i64 column = 0; column < columns; ++column, from += step, patch += length)
        if (from <= last)
          __builtin_memcpy(patch, from, sizeof(float) * copied_floats);
        else
          for (i64 j = 0; j < run; ++j) patch[j] = from[j];
    }
  return to;
}

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
