// The gradient of x from what each place of dy says to all that it has read: one product, then sums. There are no
// places between strides and no zeros around dy, and vectors run along taps and channels together.
//   said_pt = sum_f dy_pf w_tf        dx_s = sum of the said_pt that belong to s
#pragma once

#include "cpp/kernels/conv_bands.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

// Is this less work than a convolution of dy for every remainder of the strides? Counted in vectors of multiply-adds,
// of 16 lanes at every level, so that all take the same way.
bool spreads(const ConvShape& s) {
  if (s.groups > 1 || s.dilation_width > 1) return false;
  const i64 run = s.kernel_width * s.channels, vectors = ceil_div(s.kernel_height * run, 16);
  const i64 an_addition = 4 * s.kernel_height * ceil_div(run, 16);
  const double spread = static_cast<double>(s.out_height * s.out_width * (s.filters * vectors + an_addition));
  const double taps =
      static_cast<double>(s.kernel_height * s.kernel_width) / static_cast<double>(s.stride_height * s.stride_width);
  const double straight = taps * static_cast<double>(s.height * s.width * s.filters * ceil_div(s.channels, 16));
  return spread < 0.8 * straight;
}

void spread_backward_input(const ConvBackwardInput& k) {
  constexpr i64 nearby_floats = 8192;  // of what is said, at a time
  const ConvShape& s = k.shape;
  const i64 run = s.kernel_width * s.channels, length = s.kernel_height * run, size = s.height * s.width * s.channels;
  const i64 places = s.out_height * s.out_width, fitting = nearby_floats / length;
  const i64 together = at_most(fitting < tallest ? tallest : fitting, places);
  Scratch scratch;
  float* packed = scratch.floats(s.filters * padded(length));
  for (i64 j = 0; j < length; j += panel_lanes) {
    const i64 width = at_most(length - j, panel_lanes);
    pack_transposed(k.w + j * s.filters, s.filters, s.filters, width, lanes_for(width), packed + j * s.filters);
  }
  const i64 at_once = 0;
  const Runs filters = {1, s.filters, &at_once};
  const double image_ns = 0.02 * static_cast<double>(places * s.filters * length + size);
  parallel_for(
      s.batch, rows_for(image_ns),
      [&](i64 begin, i64 end) {
        Scratch own;
        float* said = own.floats(together * length);
        for (i64 image = begin; image < end; ++image) {
          float* dx = k.dx + image * size;
          __builtin_memset(dx, 0, static_cast<std::size_t>(4 * size));
          for (i64 first = 0; first < places; first += together) {
            const i64 count = at_most(together, places - first);
            run_band({k.dy + (image * places + first) * s.filters, 0, s.filters, said, 0, length, 1, count, length},
                     filters, packed, nullptr, Activation::linear);
            for (i64 p = 0; p < count; ++p) {
              const i64 top = (first + p) / s.out_width * s.stride_height - s.pad_top;
              const i64 left = (first + p) % s.out_width * s.stride_width - s.pad_left;
              const i64 from = left < 0 ? -left : 0, until = at_most(s.kernel_width, s.width - left);
              for (i64 a = 0; a < s.kernel_height; ++a) {
                const i64 row = top + a * s.dilation_height;
                if (row < 0 || row >= s.height || from >= until) continue;
                float* to = dx + (row * s.width + left + from) * s.channels;
                const float* what = said + p * length + a * run + from * s.channels;
                for_lanes((until - from) * s.channels,
                          [&](i64 j, auto lanes) { lanes.store(to + j, lanes.load(to + j) + lanes.load(what + j)); });
              }
            }
          }
        }
      },
      static_cast<i64>(image_ns) * rows_for(image_ns));
}

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
