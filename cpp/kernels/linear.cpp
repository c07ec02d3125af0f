#include "cpp/kernels/linear.h"

#include "cpp/core/arena.h"
#include "cpp/core/parallel.h"
#include "cpp/kernels/activate.h"
#include "cpp/kernels/cached_product.h"
#include "cpp/kernels/drop.h"
#include "cpp/kernels/gemm_pack.h"
#include "cpp/kernels/rows.h"

// x and y pass once: what follows the product is done to a chunk of rows that is still in the nearest cache, and in the
// backward pass a chunk of x and dy stays there while all three gradients take what they need of it. There rows are cut
// into slices by shape alone; each slice has sums of its own, and these are added in order.

namespace lw::LIKEWISE_LEVEL {
namespace {

constexpr i64 chunk_rows = draws_together;  // so that a chunk of any columns begins where draws do
constexpr i64 slice_rows = 512, most_slices = 16;

i64 width_of(i64 dim) { return ceil_div(dim, native_lanes) * native_lanes; }

// What a slice of rows needs.
struct Slice {
  const LinearBackward& k;
  const float* turned;  // W^T: [out, width_of(in)], or null
  float* dkernel;       // [in, width_of(out)], or null
  float* dbias;         // [width_of(out)], or null

  // Of relu the value tells what was dropped; else it is drawn again.
  bool draws_again() const { return k.dropout.rate > 0 && k.activation == Activation::linear; }

  // dz of a chunk, [rows, width_of(out)] with zeros beyond the columns, and its sums; `dropped` is for D(dy).
  void slopes(i64 first, i64 rows, float* dropped, float* dz) const {
    const i64 out = k.out, width = width_of(out);
    const float* dy = k.dy + first * out;
    if (draws_again()) {
      drop(k.dropout, first * out, rows * out, dy, nullptr, dropped);
      dy = dropped;
    }
    with_activation(k.activation, [&](auto one) {
      constexpr bool is_linear = activation_of(decltype(one){}) == Activation::linear;
      const float alpha = default_alpha(k.activation);
      const Vec scale = 1.f / (1.f - k.dropout.rate);
      for (i64 row = 0; row < rows; ++row, dy += out) {
        const float* kept = is_linear ? dy : k.kept + (first + row) * out;
        float* to = dz + row * width;
        for_lanes(out, [&](i64 j, auto lanes) {
          const Vec slope = lanes.load(dy + j), f = lanes.load(kept + j);
          lanes.store(to + j, is_linear ? slope : decltype(one)::slope(f, f, alpha) * (slope * scale));
        });
        for (i64 j = out; j < width; ++j) to[j] = 0.f;
      }
    });
    if (dbias != nullptr) add_rows(dz, width, rows, out, dbias);
  }

  void run(i64 begin, i64 end) const {
    const i64 in = k.in, out = k.out, in_width = width_of(in), out_width = width_of(out);
    Scratch scratch;
    float* dz = scratch.floats(chunk_rows * out_width);
    float* dropped = draws_again() ? scratch.floats(chunk_rows * out) : nullptr;
    float* product = k.dx == nullptr ? nullptr : scratch.floats(chunk_rows * in_width);
    for (i64 first = begin; first < end; first += chunk_rows) {
      const i64 rows = at_most(chunk_rows, end - first);
      slopes(first, rows, dropped, dz);
      if (dkernel != nullptr)
        multiply(Product{in, out_width, rows, k.x + first * in, 1, in, dz, out_width, dkernel, out_width, true});
      if (k.dx == nullptr) continue;
      multiply(Product{rows, in_width, out, dz, out_width, 1, turned, in_width, product, in_width, false});
      for (i64 row = 0; row < rows; ++row) {
        const i64 at = (first + row) * in;
        for_lanes(in, [=, this](i64 j, auto lanes) {
          const Vec found = lanes.load(product + row * in_width + j);
          lanes.store(k.dx + at + j, k.dx_so_far == nullptr ? found : lanes.load(k.dx_so_far + at + j) + found);
        });
      }
    }
  }
};

// to[row, j] = the sum over slices of from[slice, row, j], in order
void add_slices(const float* from, i64 slices, i64 rows, i64 columns, i64 width, float* to) {
  for (i64 row = 0; row < rows; ++row)
    for_lanes(columns, [&](i64 j, auto lanes) {
      Vec sum = 0.f;
      for (i64 s = 0; s < slices; ++s) sum += lanes.load(from + (s * rows + row) * width + j);
      lanes.store(to + row * columns + j, sum);
    });
}

}  // namespace

void linear_forward(const LinearForward& k) {
  const i64 out = k.out, width = width_of(out);
  Scratch scratch;
  float* kernel = scratch.floats((k.in + 1) * width);
  pack(k.kernel, out, k.in, out, width, kernel);
  float* bias = k.bias == nullptr ? nullptr : kernel + k.in * width;
  if (bias != nullptr) pack(k.bias, out, 1, out, width, bias);
  parallel_for(
      ceil_div(k.rows, chunk_rows), 1,
      [&](i64 begin, i64 end) {
        for (i64 first = begin * chunk_rows; first < at_most(end * chunk_rows, k.rows); first += chunk_rows) {
          const i64 rows = at_most(chunk_rows, k.rows - first), at = first * out;
          float* y = k.y + at;
          multiply(
              Product{rows, out, k.in, k.x + first * k.in, k.in, 1, kernel, width, y, out, false, bias, k.activation});
          drop(k.dropout, at, rows * out, y, k.residual == nullptr ? nullptr : k.residual + at, y);
        }
      },
      chunk_rows * k.in * out / 16);
}

void linear_backward(const LinearBackward& k) {
  const i64 in_width = width_of(k.in), out_width = width_of(k.out);
  const i64 slices = k.rows < 2 * slice_rows ? 1 : at_most(k.rows / slice_rows, most_slices);
  const i64 slice = ceil_div(ceil_div(k.rows, slices), chunk_rows) * chunk_rows, dkernel_size = k.in * out_width;
  Scratch scratch;
  float* turned = nullptr;
  if (k.dx != nullptr) {
    turned = scratch.floats(k.out * in_width);
    pack_transposed(k.kernel, k.out, k.out, k.in, in_width, turned);
  }
  float* dkernel = k.dkernel == nullptr ? nullptr : scratch.floats(slices * dkernel_size);
  float* dbias = k.dbias == nullptr ? nullptr : scratch.floats(slices * out_width);
  parallel_for(
      slices, 1,
      [&](i64 begin, i64 end) {
        for (i64 s = begin; s < end; ++s) {
          const Slice one{k, turned, dkernel == nullptr ? nullptr : dkernel + s * dkernel_size,
                          dbias == nullptr ? nullptr : dbias + s * out_width};
          if (one.dkernel != nullptr) __builtin_memset(one.dkernel, 0, static_cast<std::size_t>(4 * dkernel_size));
          if (one.dbias != nullptr) __builtin_memset(one.dbias, 0, static_cast<std::size_t>(4 * out_width));
          one.run(at_most(s * slice, k.rows), at_most((s + 1) * slice, k.rows));
        }
      },
      slice * k.in * k.out / 16);
  if (dkernel != nullptr) add_slices(dkernel, slices, k.in, k.out, out_width, k.dkernel);
  if (dbias != nullptr) add_slices(dbias, slices, 1, k.out, out_width, k.dbias);
}

}  // namespace lw::LIKEWISE_LEVEL
