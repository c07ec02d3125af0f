#include "cpp/core/parallel.h"
#include "cpp/kernels/activate.h"
#include "cpp/kernels/conv.h"
#include "cpp/kernels/conv_phases.h"
#include "cpp/kernels/conv_spread.h"
#include "cpp/kernels/rows.h"

// Image by image, all gradients take what they need of dy while it is in the cache. As in the forward pass, matrix
// products whose left side is never made: dx is a convolution of dy for each remainder of the strides (conv_phases.h)
// or sums over one product (conv_spread.h), dw one product per tap with x transposed.

namespace lw::LIKEWISE_LEVEL {
namespace {

void zero(float* to, i64 count) { __builtin_memset(to, 0, static_cast<std::size_t>(4 * count)); }

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
void weight_of(const ConvShape& s, const WeightProducts& products, const float* image, const float* dy, bool start,
               float* dw) {
  const i64 places = s.out_height * s.out_width, filters = products.filters;
  const bool turned = products.turned;
  Scratch scratch;
  const Window x = window_of_rows(s, image, 0, s.out_height, scratch, turned);
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

// The same of channels with filters of their own: always adds.
void depthwise_weight_of(const ConvShape& s, const float* image, const float* slopes, float* dw) {
  const i64 n = s.channels, row = s.out_width * n;
  const bool copied = n % native_lanes != 0;
  Scratch scratch;
  const Window x = window_of_rows(s, image, 0, s.out_height, scratch, copied);
  const Window dy = window(slopes, s.out_height, s.out_width, n, 0, 0, s.out_height, s.out_width, scratch, copied);
  const i64* offsets =
      tap_offsets(s.kernel_height, s.dilation_height * x.row, s.kernel_width, s.dilation_width * n, scratch);
  const i64 together = ceil_div(32, s.out_width);  // rows of places that sums stay in registers for
  for (i64 first = 0; first < s.out_height; first += together)
    depthwise_weight_rows(
        {x.at + first * s.stride_height * x.row, s.stride_height * x.row, s.stride_width * n,
         at_most(together, s.out_height - first), s.out_width, n, s.kernel_height, s.kernel_width, offsets},
        dy.at + first * row, row, dw);
}

// dw from turned products.
void turn_back(const ConvShape& s, const WeightProducts& products, const float* turned, float* dw) {
  const i64 all_runs = s.kernel_height * products.runs;
  for (i64 run = 0; run < all_runs; ++run)
    for (i64 f = 0; f < s.filters; ++f)
      for (i64 j = 0; j < products.length; ++j)
        dw[(run * products.length + j) * s.filters + f] = turned[(run * s.filters + f) * products.length + j];
}

struct NoInputs {
  void of_image(const float*, float*) const {}
};

// dz of an image, which is its dy or lies in scratch memory.
const float* dz_of(const ConvBackward& k, i64 image, Scratch& scratch) {
  const i64 size = k.shape.out_height * k.shape.out_width * k.shape.filters;
  const float* dy = k.dy + image * size;
  if (k.activation == Activation::linear) return dy;
  float* dz = scratch.floats(size);
  slopes(k.activation, default_alpha(k.activation), k.kept + image * size, dy, size, dz);
  return dz;
}

// dx of an image.
template <typename Inputs>
void inputs_of(const ConvBackward& k, const Inputs& inputs, i64 image, const float* dz) {
  const i64 size = k.shape.height * k.shape.width * k.shape.channels, first = image * size;
  if (k.dx_so_far == nullptr) return inputs.of_image(dz, k.dx + first);
  Scratch scratch;
  float* found = scratch.floats(size);
  inputs.of_image(dz, found);
  for_lanes(size, [&](i64 j, auto lanes) {
    lanes.store(k.dx + first + j, lanes.load(k.dx_so_far + first + j) + lanes.load(found + j));
  });
}

// The batch is cut into chunks by shape alone; each has sums of its own, and these are added in order. Where there is
// room for few chunks, or none are asked for, images share the work on dx.
template <typename Inputs>
void backward(const ConvBackward& k, const Inputs& inputs) {
  constexpr i64 most_chunks = 16, most_floats = i64{1} << 24;
  const ConvShape& s = k.shape;
  const i64 places = s.out_height * s.out_width, image_floats = s.height * s.width * s.channels;
  const i64 size = s.kernel_height * s.kernel_width * (s.channels / s.groups) * s.filters;
  const i64 wanted = at_most(places > 0 ? s.batch : 0, most_chunks), fitting = most_floats / (size > 0 ? size : 1);
  const i64 chunks = wanted < 1 || fitting < 1 ? 1 : at_most(wanted, fitting);
  const bool sums = k.dw != nullptr || k.dbias != nullptr, apart = !sums || places == 0 || chunks < wanted;
  const bool alone = depthwise(s);
  const WeightProducts shape(s);
  const bool turned = shape.turned && !alone;
  const double image_ns = 0.02 * static_cast<double>(places * size) * ((k.dw != nullptr) + (k.dx != nullptr && !apart));

  Scratch scratch;
  float* products = k.dw == nullptr ? nullptr : scratch.floats(chunks * size);
  float* biases = k.dbias == nullptr ? nullptr : scratch.floats(chunks * s.filters);
  const auto run_chunk = [&](i64 chunk) {
    const i64 first = wanted > 0 ? s.batch * chunk / chunks : 0, last = wanted > 0 ? s.batch * (chunk + 1) / chunks : 0;
    float* dw = products == nullptr ? nullptr : products + chunk * size;
    float* dbias = biases == nullptr ? nullptr : biases + chunk * s.filters;
    if (dbias != nullptr) zero(dbias, s.filters);
    if (dw != nullptr && (alone || first == last)) zero(dw, size);
    for (i64 image = first; image < last; ++image) {
      Scratch own;
      const float *x = k.x + image * image_floats, *dz = dz_of(k, image, own);
      if (dbias != nullptr) add_rows(dz, s.filters, places, s.filters, dbias);
      if (dw != nullptr) alone ? depthwise_weight_of(s, x, dz, dw) : weight_of(s, shape, x, dz, image == first, dw);
      if (!apart) inputs_of(k, inputs, image, dz);
    }
  };
  if (sums)
    parallel_for(
        chunks, 1,
        [&](i64 begin, i64 end) {
          for (i64 chunk = begin; chunk < end; ++chunk) run_chunk(chunk);
        },
        static_cast<i64>(image_ns * static_cast<double>(s.batch) / static_cast<double>(chunks)));
  if (k.dx != nullptr && apart) {
    const double dx_ns = 0.02 * static_cast<double>(places * size + image_floats);
    parallel_for(
        s.batch, rows_for(dx_ns),
        [&](i64 begin, i64 end) {
          for (i64 image = begin; image < end; ++image) {
            Scratch own;
            inputs_of(k, inputs, image, dz_of(k, image, own));
          }
        },
        static_cast<i64>(dx_ns) * rows_for(dx_ns));
  }
  if (k.dbias != nullptr) {
    zero(k.dbias, s.filters);
    add_rows(biases, s.filters, chunks, s.filters, k.dbias);
  }
  if (k.dw == nullptr) return;
  float* sum = turned ? scratch.floats(size) : k.dw;
  parallel_for(size, rows_for(0.1 * static_cast<double>(chunks)), [&](i64 begin, i64 end) {
    zero(sum + begin, end - begin);
    add_rows(products + begin, size, chunks, end - begin, sum + begin);
  });
  if (turned) turn_back(s, shape, sum, k.dw);
}

}  // namespace

void conv_backward(const ConvBackward& k) {
  const ConvShape& s = k.shape;
  Scratch scratch;
  if (k.dx == nullptr)
    backward(k, NoInputs{});
  else if (!depthwise(s) && spreads(s))
    backward(k, SpreadInputs(k, scratch));
  else
    backward(k, PhasedInputs(k, scratch));
}

}  // namespace lw::LIKEWISE_LEVEL
