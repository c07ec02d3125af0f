#include "cpp/kernels/conv.h"

#include "cpp/core/arena.h"
#include "cpp/core/parallel.h"
#include "cpp/kernels/conv_bands.h"
#include "cpp/kernels/conv_depthwise.h"
#include "cpp/kernels/conv_spread.h"
#include "cpp/kernels/conv_tap_pairs.h"

// A convolution is a matrix product whose left side is never made: the row of an output place is the taps' runs of
// channels, which lie in x already, at the same distances from every place. Taps that follow each other in memory are
// one run. So are the gradients: dx is a convolution of dy for each remainder of the strides (or sums over one product:
// conv_spread.h), dw one product per tap with x transposed.

namespace lw::LIKEWISE_LEVEL {
namespace {

// What the places of some rows of a convolution read in an image; zeros where it does not reach.
Window window_of_rows(const ConvShape& s, const float* image, i64 first, i64 rows, Scratch& scratch, bool copied) {
  return window(image, s.height, s.width, s.channels, first * s.stride_height - s.pad_top, -s.pad_left,
                (rows - 1) * s.stride_height + (s.kernel_height - 1) * s.dilation_height + 1,
                (s.out_width - 1) * s.stride_width + (s.kernel_width - 1) * s.dilation_width + 1, scratch, copied);
}

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

// ---------------------------------------------------------------------------------------------------------------------
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

// The kernel of group g from the taps of two phases, as panels [taps, filters, channels] of channels.
void pack_backwards(const ConvShape& s, const float* w, i64 group, const Phase& rows, const Phase& columns,
                    float* packed) {
  const i64 channels = s.channels / s.groups, filters = s.filters / s.groups;
  for (i64 j = 0; j < channels; j += panel_lanes) {
    const i64 width = at_most(channels - j, panel_lanes), lanes = lanes_for(width);
    for (i64 r = 0; r < rows.taps; ++r)
      for (i64 c = 0; c < columns.taps; ++c, packed += filters * lanes) {
        const i64 tap = (rows.last_tap - r * rows.every) * s.kernel_width + columns.last_tap - c * columns.every;
        pack_transposed(w + (tap * channels + j) * s.filters + group * filters, s.filters, filters, width, lanes,
                        packed);
      }
  }
}

// The places of an image that one phase of each direction reaches, and their taps.
struct ReachedPlaces {
  const Phase *rows, *columns;
  const float* packed;
  float* dx;
  i64 dx_row, dx_place;
};

void clear(const ReachedPlaces& at, i64 channels) {
  for (i64 i = 0; i < at.rows->count; ++i)
    for (i64 j = 0; j < at.columns->count; ++j)
      for (i64 c = 0; c < channels; ++c) at.dx[i * at.dx_row + j * at.dx_place + c] = 0.f;
}

// Image by image, so that its dx stays in the cache while one phase after the other fills in places:
// run(places, what they read of dy, scratch), with what pack_phase(rows, columns) gave for them. `slowness` is that of
// a multiply-add beside one of a product.
template <typename Pack, typename Run>
void for_phases(const ConvBackwardInput& k, double slowness, bool copied, Scratch& scratch, const Pack& pack_phase,
                const Run& run) {
  const ConvShape& s = k.shape;
  const i64 phases = s.stride_height * s.stride_width;
  Phase* rows = scratch.get<Phase>(s.stride_height);
  Phase* columns = scratch.get<Phase>(s.stride_width);
  ReachedPlaces* reached = scratch.get<ReachedPlaces>(phases);
  for (i64 r = 0; r < s.stride_height; ++r)
    rows[r] = phase_of(r, s.height, s.kernel_height, s.stride_height, s.dilation_height, s.pad_top);
  for (i64 c = 0; c < s.stride_width; ++c)
    columns[c] = phase_of(c, s.width, s.kernel_width, s.stride_width, s.dilation_width, s.pad_left);
  double image_ns = 0;
  for (i64 phase = 0; phase < phases; ++phase) {
    const Phase &r = rows[phase / s.stride_width], &c = columns[phase % s.stride_width];
    reached[phase] = {&r, &c, nullptr, nullptr, s.stride_height * s.width * s.channels, s.stride_width * s.channels};
    if (r.taps * c.taps > 0) reached[phase].packed = pack_phase(r, c);
    image_ns += 0.02 * slowness * static_cast<double>(r.count * c.count * s.channels) *
                static_cast<double>(r.taps * c.taps * (s.filters / s.groups) + 1);
  }
  parallel_for(
      s.batch, rows_for(image_ns),
      [&](i64 begin, i64 end) {
        for (i64 image = begin; image < end; ++image)
          for (i64 phase = 0; phase < phases; ++phase) {
            ReachedPlaces at = reached[phase];
            const Phase &r = *at.rows, &c = *at.columns;
            if (r.count * c.count == 0) continue;
            at.dx = k.dx + ((image * s.height + r.first) * s.width + c.first) * s.channels;
            if (at.packed == nullptr) {
              clear(at, s.channels);
              continue;
            }
            Scratch own;
            const Window dy = window(k.dy + image * s.out_height * s.out_width * s.filters, s.out_height, s.out_width,
                                     s.filters, r.source, c.source, r.count + (r.taps - 1) * r.step,
                                     c.count + (c.taps - 1) * c.step, own, copied);
            run(at, dy, own);
          }
      },
      static_cast<i64>(image_ns) * rows_for(image_ns));
}

// ---------------------------------------------------------------------------------------------------------------------
// A channel with a filter of its own

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

void depthwise_backward_input(const ConvBackwardInput& k) {
  const ConvShape& s = k.shape;
  const i64 n = s.channels, width = whole_vectors(n);
  Scratch scratch;
  const auto pack_phase = [&](const Phase& rows, const Phase& columns) {
    const i64 taps = rows.taps * columns.taps;
    float* packed = scratch.floats(taps * width);
    for (i64 t = 0; t < taps; ++t) {
      const i64 row = rows.last_tap - t / columns.taps * rows.every;
      const i64 column = columns.last_tap - t % columns.taps * columns.every;
      pack(k.w + (row * s.kernel_width + column) * n, n, 1, n, width, packed + t * width);
    }
    return packed;
  };
  const auto run = [&](const ReachedPlaces& at, const Window& dy, Scratch& own) {
    const Phase &rows = *at.rows, &columns = *at.columns;
    const i64* offsets = tap_offsets(rows.taps, rows.step * dy.row, columns.taps, columns.step * n, own);
    depthwise_band({dy.at, dy.row, n, rows.count, columns.count, n, rows.taps, columns.taps, offsets}, at.packed,
                   nullptr, at.dx, at.dx_row, at.dx_place, Activation::linear);
  };
  for_phases(k, 1.5, n % native_lanes != 0, scratch, pack_phase, run);
}

void depthwise_weight_of(const ConvBackwardWeight& k, i64 image, float* dw) {
  const ConvShape& s = k.shape;
  const i64 n = s.channels, row = s.out_width * n;
  const bool copied = n % native_lanes != 0;
  Scratch scratch;
  const Window x = window_of_rows(s, k.x + image * s.height * s.width * n, 0, s.out_height, scratch, copied);
  const Window dy = window(k.dy + image * s.out_height * row, s.out_height, s.out_width, n, 0, 0, s.out_height,
                           s.out_width, scratch, copied);
  const i64* offsets =
      tap_offsets(s.kernel_height, s.dilation_height * x.row, s.kernel_width, s.dilation_width * n, scratch);
  const i64 together = ceil_div(32, s.out_width);  // rows of places that sums stay in registers for
  for (i64 first = 0; first < s.out_height; first += together)
    depthwise_weight_rows(
        {x.at + first * s.stride_height * x.row, s.stride_height * x.row, s.stride_width * n,
         at_most(together, s.out_height - first), s.out_width, n, s.kernel_height, s.kernel_width, offsets},
        dy.at + first * row, row, dw);
}

// ---------------------------------------------------------------------------------------------------------------------
// The gradient of the weights

// dw as products of x, a run of channels for every tap or row of taps, and dy: [run, filters], or turned [filters, run]
// where filters are few, so that vectors run along the longer side.
struct WeightProducts {
  bool turned;
  i64 channels, filters;  // of a group
  i64 runs, length;       // in a row of the kernel; a run's floats

  explicit WeightProducts(const ConvShape& s) : channels(s.channels / s.groups), filters(s.filters / s.groups) {
    const bool joined = s.groups == 1 && s.dilation_width == 1;  // the taps of a row are one run of channels
    runs = joined ? 1 : s.kernel_width;
    length = joined ? s.kernel_width * channels : channels;
    const i64 straight = ceil_div(filters, native_lanes) * length, across = ceil_div(length, native_lanes) * filters;
    turned = 5 * across < 4 * straight;
  }
  // Where the product of kernel row a, run b and a group begins among those of an image.
  i64 at(const ConvShape& s, i64 a, i64 b, i64 group) const {
    const i64 run = (a * runs + b) * length;
    return turned ? run * s.filters + group * filters * length : run * s.filters + group * filters;
  }
};

// Adds what one image says of dw, or starts with it.
void weight_of(const ConvBackwardWeight& k, const WeightProducts& products, i64 image, bool start, float* dw) {
  const ConvShape& s = k.shape;
  const i64 places = s.out_height * s.out_width, filters = products.filters;
  const bool turned = products.turned;
  Scratch scratch;
  const float* first = k.x + image * s.height * s.width * s.channels;
  const Window x = window_of_rows(s, first, 0, s.out_height, scratch, turned);
  const float* dy = k.dy + image * places * s.filters;
  const i64 x_row = s.stride_height * x.row, x_place = s.stride_width * s.channels;
  i64* rows = scratch.get<i64>(s.out_height);
  for (i64 i = 0; i < s.out_height; ++i) rows[i] = 4 * i * (turned ? s.out_width * s.filters : x_row);
  Tiles t;
  t.k = s.out_width;
  t.segments = s.out_height;
  t.segment_bytes = rows;
  t.row_bytes = 4;
  t.step_bytes = 4 * (turned ? s.filters : x_place);
  t.b_gap = turned ? x_row - s.out_width * x_place : 0;
  t.ldc = turned ? products.length : s.filters;
  t.load_c = !start;
  t.bias = nullptr;
  t.activation = Activation::linear;

  // use(a run of x, its product), for all of a group
  const auto for_runs = [&](i64 group, const auto& use) {
    for (i64 a = 0; a < s.kernel_height; ++a)
      for (i64 b = 0; b < products.runs; ++b)
        use(x.at + a * s.dilation_height * x.row + b * s.dilation_width * s.channels + group * products.channels,
            dw + products.at(s, a, b, group));
  };
  if (turned) {
    t.ldb = x_place;
    for (i64 group = 0; group < s.groups; ++group)
      for_runs(group, [&](const float* run, float* product) {
        t.a = reinterpret_cast<const char*>(dy + group * filters);
        for (i64 j = 0; j < products.length; j += panel_lanes) {
          t.columns = at_most(products.length - j, panel_lanes);
          t.b = run + j;
          t.c = product + j;
          run_tiles(filters, t);
        }
      });
    return;
  }
  float* edge = scratch.floats(places * panel_lanes);
  for (i64 group = 0; group < s.groups; ++group)
    for (i64 j = 0; j < filters; j += panel_lanes) {
      t.columns = at_most(filters - j, panel_lanes);
      t.b = dy + group * filters + j;
      t.ldb = s.filters;
      if (t.columns < lanes_for(t.columns)) {
        t.ldb = lanes_for(t.columns);
        pack(t.b, s.filters, places, t.columns, t.ldb, edge);
        t.b = edge;
      }
      for_runs(group, [&](const float* run, float* product) {
        t.a = reinterpret_cast<const char*>(run);
        t.c = product + j;
        run_tiles(products.length, t);
      });
    }
}

// dw from turned products.
void turn_back(const ConvShape& s, const WeightProducts& products, const float* turned, float* dw) {
  const i64 all_runs = s.kernel_height * products.runs;
  for (i64 run = 0; run < all_runs; ++run)
    for (i64 f = 0; f < s.filters; ++f)
      for (i64 j = 0; j < products.length; ++j)
        dw[(run * products.length + j) * s.filters + f] = turned[(run * s.filters + f) * products.length + j];
}

}  // namespace

void conv_forward(const ConvForward& k) {
  const ConvShape& s = k.shape;
  if (s.batch * s.out_height * s.out_width * s.filters == 0) return;
  if (depthwise(s)) return depthwise_forward(k);
  const i64 channels = s.channels / s.groups, filters = s.filters / s.groups;
  const i64 taps = s.kernel_height * s.kernel_width, panels = panel_floats(s);
  const bool in_pairs = taps_in_pairs(s);
  Scratch scratch;
  const float* packed = in_pairs ? pack_tap_pairs(s, k.w, scratch) : pack_panels(s, k.w, scratch);

  const double row_ns = 0.02 * static_cast<double>(s.out_width * taps * channels * s.filters);
  for_row_bands(k, row_ns, false, [&](i64 rows, const Window& x, float* y, Scratch& own) {
    const Runs runs = runs_of(s.kernel_height, s.dilation_height * x.row, s.kernel_width, s.dilation_width * s.channels,
                              channels, own);
    for (i64 group = 0; group < s.groups; ++group) {
      const Band band{x.at + group * channels,
                      s.stride_height * x.row,
                      s.stride_width * s.channels,
                      y + group * filters,
                      s.out_width * s.filters,
                      s.filters,
                      rows,
                      s.out_width,
                      filters};
      const float* bias = k.bias == nullptr ? nullptr : k.bias + group * filters;
      if (in_pairs)
        run_tap_pairs(band, s, packed + group * panels, bias, k.activation);
      else
        run_band(band, runs, packed + group * panels, bias, k.activation);
    }
  });
}

void conv_backward_input(const ConvBackwardInput& k) {
  const ConvShape& s = k.shape;
  if (s.batch * s.height * s.width * s.channels == 0) return;
  if (depthwise(s)) return depthwise_backward_input(k);
  if (spreads(s)) return spread_backward_input(k);
  const i64 channels = s.channels / s.groups, filters = s.filters / s.groups;
  const auto panels = [&](const Phase& rows, const Phase& columns) {
    return rows.taps * columns.taps * filters * padded(channels);
  };
  Scratch scratch;
  const auto pack_phase = [&](const Phase& rows, const Phase& columns) {
    const i64 size = panels(rows, columns);
    float* packed = scratch.floats(s.groups * size);
    for (i64 group = 0; group < s.groups; ++group) pack_backwards(s, k.w, group, rows, columns, packed + group * size);
    return packed;
  };
  const auto run = [&](const ReachedPlaces& at, const Window& dy, Scratch& own) {
    const Phase &rows = *at.rows, &columns = *at.columns;
    const Runs runs = runs_of(rows.taps, rows.step * dy.row, columns.taps, columns.step * s.filters, filters, own);
    for (i64 group = 0; group < s.groups; ++group)
      run_band({dy.at + group * filters, dy.row, s.filters, at.dx + group * channels, at.dx_row, at.dx_place,
                rows.count, columns.count, channels},
               runs, at.packed + group * panels(rows, columns), nullptr, Activation::linear);
  };
  for_phases(k, 1, false, scratch, pack_phase, run);
}

// The batch is cut into chunks by shape alone; each has a dw of its own, and these are added in order.
void conv_backward_weight(const ConvBackwardWeight& k) {
  constexpr i64 most_chunks = 16, most_floats = i64{1} << 22;
  const ConvShape& s = k.shape;
  const i64 size = s.kernel_height * s.kernel_width * (s.channels / s.groups) * s.filters;
  const i64 images = s.out_height * s.out_width > 0 ? s.batch : 0;
  i64 chunks = at_most(at_most(images, most_chunks), most_floats / (size > 0 ? size : 1));
  if (chunks < 1) chunks = 1;
  const bool alone = depthwise(s);
  const WeightProducts shape(s);
  const bool turned = shape.turned && !alone;
  Scratch scratch;
  float* products = scratch.floats(chunks * size);
  float* sums = turned ? scratch.floats(size) : k.dw;
  const double image_ns = 0.02 * static_cast<double>(s.out_height * s.out_width * size);
  parallel_for(
      chunks, 1,
      [&](i64 begin, i64 end) {
        for (i64 chunk = begin; chunk < end; ++chunk) {
          float* own = products + chunk * size;
          const i64 first = images * chunk / chunks, last = images * (chunk + 1) / chunks;
          if (alone || first == last) for_lanes(size, [&](i64 j, auto lanes) { lanes.store(own + j, 0.f); });
          for (i64 image = first; image < last; ++image)
            alone ? depthwise_weight_of(k, image, own) : weight_of(k, shape, image, image == first, own);
        }
      },
      static_cast<i64>(image_ns * static_cast<double>(images) / static_cast<double>(chunks)));
  parallel_for(size, rows_for(0.1 * static_cast<double>(chunks)), [&](i64 begin, i64 end) {
    for_lanes(end - begin, [&](i64 j, auto lanes) {
      Vec sum = lanes.load(products + begin + j);
      for (i64 chunk = 1; chunk < chunks; ++chunk) sum += lanes.load(products + chunk * size + begin + j);
      lanes.store(sums + begin + j, sum);
    });
  });
  if (turned) turn_back(s, shape, sums, k.dw);
}

}  // namespace lw::LIKEWISE_LEVEL
