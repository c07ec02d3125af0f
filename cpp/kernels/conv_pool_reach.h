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

// Places that read next to nothing: less than a vector in a row of taps.
bool reads_little(const ConvShape& s) {
  return s.kernel_height > 1 && s.kernel_width * s.channels < 8 && s.dilation_width == 1;
}

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
