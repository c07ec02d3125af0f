// The gradient of x as convolutions of dy: one for each remainder of the strides, over the taps that reach its places.
#pragma once

#include "cpp/kernels/conv_depthwise.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

// One direction, a height or a width, of dx: the places r that are `remainder` modulo the stride after the padding, and
// the taps that reach them. Tap a carries dy at q + (remainder - a dilation) / stride to place
// remainder - padding + q stride, so the taps from the last to the first read dy at growing places.

struct Phase {
  i64 first, count;           // places of x: first, first + stride, ..
  i64 last_tap, taps, every;  // taps last_tap, last_tap - every, ..
  i64 source, step;           // of dy: what the last tap carries to the first place; from tap to tap
};

Phase phase_of(i64 remainder, i64 size, i64 kernel, i64 stride, i64 dilation, i64 padding) {
  const i64 q = ceil_div(padding - remainder, stride), first = remainder - padding + q * stride;
  Phase p = {first, first < size ? (size - 1 - first) / stride + 1 : 0, -1, 0, 0, 0, 0};
  for (i64 tap = kernel - 1; tap >= 0; --tap) {
    if ((remainder - tap * dilation) % stride != 0) continue;
    if (p.taps == 0) p.last_tap = tap;
    if (p.taps == 1) p.every = p.last_tap - tap;
    ++p.taps;
  }
  if (p.taps > 0) p.source = q + (remainder - p.last_tap * dilation) / stride;
  p.step = p.every * dilation / stride;
  return p;
}

// The places of an image that one phase of each direction reaches, and their taps.
struct ReachedPlaces {
  const Phase *rows, *columns;
  const float* packed;  // or null: no tap reaches them
};

class PhasedInputs {
 public:
  PhasedInputs(const ConvBackward& k, Scratch& scratch)
      : s_(k.shape),
        alone_(depthwise(s_)),
        rows_(scratch.get<Phase>(s_.stride_height)),
        columns_(scratch.get<Phase>(s_.stride_width)),
        reached_(scratch.get<ReachedPlaces>(phases())) {
    for (i64 r = 0; r < s_.stride_height; ++r)
      rows_[r] = phase_of(r, s_.height, s_.kernel_height, s_.stride_height, s_.dilation_height, s_.pad_top);
    for (i64 c = 0; c < s_.stride_width; ++c)
      columns_[c] = phase_of(c, s_.width, s_.kernel_width, s_.stride_width, s_.dilation_width, s_.pad_left);
    for (i64 phase = 0; phase < phases(); ++phase) {
      const Phase &r = rows_[phase / s_.stride_width], &c = columns_[phase % s_.stride_width];
      const bool is_reached = r.taps * c.taps > 0;
      reached_[phase] = {&r, &c,
                         !is_reached ? nullptr
                         : alone_    ? taps(k.w, r, c, scratch)
                                     : panels(k.w, r, c, scratch)};
    }
  }

  // dx of one image. It stays in the cache while one phase after the other fills in places.
  void of_image(const float* dz, float* dx) const {
    for (i64 phase = 0; phase < phases(); ++phase) {
      const ReachedPlaces& at = reached_[phase];
      const Phase &r = *at.rows, &c = *at.columns;
      if (r.count * c.count == 0) continue;
      float* to = dx + (r.first * s_.width + c.first) * s_.channels;
      if (at.packed == nullptr) {
        clear(at, to);
        continue;
      }
      Scratch own;
      const Window dy =
          window(dz, s_.out_height, s_.out_width, s_.filters, r.source, c.source, r.count + (r.taps - 1) * r.step,
                 c.count + (c.taps - 1) * c.step, own, alone_ && s_.channels % native_lanes != 0);
      alone_ ? convolve_alone(at, dy, to, own) : convolve(at, dy, to, own);
    }
  }

 private:
  i64 phases() const { return s_.stride_height * s_.stride_width; }
  i64 dx_row() const { return s_.stride_height * s_.width * s_.channels; }
  i64 dx_place() const { return s_.stride_width * s_.channels; }
  i64 tap_of(const Phase& rows, const Phase& columns, i64 r, i64 c) const {
    return (rows.last_tap - r * rows.every) * s_.kernel_width + columns.last_tap - c * columns.every;
  }
  i64 group_floats(const Phase& rows, const Phase& columns) const {
    return rows.taps * columns.taps * (s_.filters / s_.groups) * padded(s_.channels / s_.groups);
  }

  // The kernel from the taps of two phases, for each group as panels [taps, filters, channels] of channels.
  const float* panels(const float* w, const Phase& rows, const Phase& columns, Scratch& scratch) const {
    const i64 channels = s_.channels / s_.groups, filters = s_.filters / s_.groups, size = group_floats(rows, columns);
    float* all = scratch.floats(s_.groups * size);
    for (i64 group = 0; group < s_.groups; ++group) {
      float* packed = all + group * size;
      for (i64 j = 0; j < channels; j += panel_lanes) {
        const i64 width = at_most(channels - j, panel_lanes), lanes = lanes_for(width);
        for (i64 r = 0; r < rows.taps; ++r)
          for (i64 c = 0; c < columns.taps; ++c, packed += filters * lanes)
            pack_transposed(w + (tap_of(rows, columns, r, c) * channels + j) * s_.filters + group * filters, s_.filters,
                            filters, width, lanes, packed);
      }
    }
    return all;
  }
  // The same of channels with filters of their own: [taps, whole_vectors(channels)].
  const float* taps(const float* w, const Phase& rows, const Phase& columns, Scratch& scratch) const {
    const i64 n = s_.channels, width = whole_vectors(n);
    float* packed = scratch.floats(rows.taps * columns.taps * width);
    for (i64 r = 0; r < rows.taps; ++r)
      for (i64 c = 0; c < columns.taps; ++c)
        pack(w + tap_of(rows, columns, r, c) * n, n, 1, n, width, packed + (r * columns.taps + c) * width);
    return packed;
  }

  void clear(const ReachedPlaces& at, float* dx) const {
    for (i64 i = 0; i < at.rows->count; ++i)
      for (i64 j = 0; j < at.columns->count; ++j)
        for (i64 c = 0; c < s_.channels; ++c) dx[i * dx_row() + j * dx_place() + c] = 0.f;
  }
  void convolve(const ReachedPlaces& at, const Window& dy, float* dx, Scratch& own) const {
    const i64 channels = s_.channels / s_.groups, filters = s_.filters / s_.groups;
    const Phase &rows = *at.rows, &columns = *at.columns;
    const Runs runs = runs_of(rows.taps, rows.step * dy.row, columns.taps, columns.step * s_.filters, filters, own);
    for (i64 group = 0; group < s_.groups; ++group)
      run_band({dy.at + group * filters, dy.row, s_.filters, dx + group * channels, dx_row(), dx_place(), rows.count,
                columns.count, channels},
               runs, at.packed + group * group_floats(rows, columns), nullptr, Activation::linear);
  }
  void convolve_alone(const ReachedPlaces& at, const Window& dy, float* dx, Scratch& own) const {
    const Phase &rows = *at.rows, &columns = *at.columns;
    const i64 n = s_.channels;
    const i64* offsets = tap_offsets(rows.taps, rows.step * dy.row, columns.taps, columns.step * n, own);
    depthwise_band({dy.at, dy.row, n, rows.count, columns.count, n, rows.taps, columns.taps, offsets}, at.packed,
                   nullptr, dx, dx_row(), dx_place(), Activation::linear);
  }

  const ConvShape& s_;
  bool alone_;  // have channels filters of their own?
  Phase *rows_, *columns_;
  ReachedPlaces* reached_;  // [stride_height, stride_width]
};

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
