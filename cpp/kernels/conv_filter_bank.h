// The filters of a convolution as the bands of places take them.
#pragma once

#include "cpp/kernels/conv_dots.h"
#include "cpp/kernels/conv_tap_pairs.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

// The way of a band is decided by the shape alone, so that sums have one order at every level, with a pool and without.
class FilterBank {
 public:
  FilterBank(const ConvShape& s, const float* w, Scratch& scratch)
      : s_(s),
        way_(as_dots(s)         ? Way::dots
             : taps_in_pairs(s) ? Way::tap_pairs
                                : Way::panels),
        packed_(way_ == Way::dots        ? pack_dots(s, w, scratch)
                : way_ == Way::tap_pairs ? pack_tap_pairs(s, w, scratch)
                                         : pack_panels(s, w, scratch)) {}

  bool in_panels() const { return way_ == Way::panels; }
  const float* packed() const { return packed_; }

  // Places of a group of channels, whose bias is given.
  void run(const Band& band, const Runs& runs, const float* bias, Activation activation, i64 group = 0) const {
    const float* packed = packed_ + group * panel_floats(s_);
    switch (way_) {
      case Way::dots: return run_dots(band, runs, packed, bias, activation);
      case Way::tap_pairs: return run_tap_pairs(band, s_, packed, bias, activation);
      case Way::panels: return run_band(band, runs, packed, bias, activation);
    }
  }

 private:
  enum class Way { panels, tap_pairs, dots };
  const ConvShape& s_;
  Way way_;
  const float* packed_;
};

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
