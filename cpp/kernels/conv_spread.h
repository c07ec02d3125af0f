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

class SpreadInputs {
 public:
  SpreadInputs(const ConvBackward& k, Scratch& scratch)
      : s_(k.shape),
        run_(s_.kernel_width * s_.channels),
        length_(s_.kernel_height * run_),
        packed_(scratch.floats(s_.filters * padded(length_))) {
    for (i64 j = 0; j < length_; j += panel_lanes) {
      const i64 width = at_most(length_ - j, panel_lanes);
      pack_transposed(k.w + j * s_.filters, s_.filters, s_.filters, width, lanes_for(width), packed_ + j * s_.filters);
    }
  }

  // dx of one image.
  void of_image(const float* dz, float* dx) const {
    constexpr i64 nearby_floats = 8192;  // of what is said, at a time
    const i64 places = s_.out_height * s_.out_width, fitting = nearby_floats / length_;
    const i64 together = at_most(fitting < tallest ? tallest : fitting, places);
    const i64 at_once = 0;
    const Runs filters = {1, s_.filters, &at_once};
    Scratch own;
    float* said = own.floats(together * length_);
    __builtin_memset(dx, 0, static_cast<std::size_t>(4 * s_.height * s_.width * s_.channels));
    for (i64 first = 0; first < places; first += together) {
      const i64 count = at_most(together, places - first);
      run_band({dz + first * s_.filters, 0, s_.filters, said, 0, length_, 1, count, length_}, filters, packed_, nullptr,
               Activation::linear);
      for (i64 p = 0; p < count; ++p) add(first + p, said + p * length_, dx);
    }
  }

 private:
  // What one place says, where it belongs.
  void add(i64 place, const float* said, float* dx) const {
    const i64 top = place / s_.out_width * s_.stride_height - s_.pad_top;
    const i64 left = place % s_.out_width * s_.stride_width - s_.pad_left;
    const i64 from = left < 0 ? -left : 0, until = at_most(s_.kernel_width, s_.width - left);
    for (i64 a = 0; a < s_.kernel_height; ++a) {
      const i64 row = top + a * s_.dilation_height;
      if (row < 0 || row >= s_.height || from >= until) continue;
      float* to = dx + (row * s_.width + left + from) * s_.channels;
      const float* what = said + a * run_ + from * s_.channels;
      for_lanes((until - from) * s_.channels,
                [&](i64 j, auto lanes) { lanes.store(to + j, lanes.load(to + j) + lanes.load(what + j)); });
    }
  }

  const ConvShape& s_;
  i64 run_, length_;  // floats of a row of taps, and of all
  float* packed_;
};

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
