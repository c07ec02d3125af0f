#include "cpp/core/parallel.h"
#include "cpp/kernels/conv_filter_bank.h"
#include "cpp/kernels/conv_pool.h"
#include "cpp/kernels/conv_pool_reach.h"
#include "cpp/kernels/conv_pool_tile.h"

// Some rows of pools at a time: the places they look at are convolved into the nearest caches and pooled there, or,
// where pools are 2 by 2, convolved and pooled in registers.

namespace lw::LIKEWISE_LEVEL {
namespace {

constexpr i64 nearby_floats = 8192;  // of the convolution, at a time

struct Forward {
  const ConvPoolForward& k;
  FilterBank bank;
  i64 columns;

  // What places of one image read: floats from row to row and from place to place, and the runs after each of them.
  struct Source {
    const float* at;
    i64 row, place;
    Runs runs;
  };
  Source source_of(i64 image, const Rows& rows, Scratch& scratch) const {
    const ConvShape& s = k.conv;
    const Window x = window_of(s, k.x + image * s.height * s.width * s.channels, rows, columns, scratch);
    return {x.at, s.stride_height * x.row, s.stride_width * s.channels,
            runs_of(s.kernel_height, s.dilation_height * x.row, s.kernel_width, s.dilation_width * s.channels,
                    s.channels, scratch)};
  }

  // Rows of the convolution of one image into z [rows, columns, filters].
  void convolve(i64 image, const Rows& rows, float* z) const {
    const i64 filters = k.conv.filters;
    Scratch own;
    const Source x = source_of(image, rows, own);
    bank.run({x.at, x.row, x.place, z, columns * filters, filters, rows.end - rows.begin, columns, filters}, x.runs,
             k.bias, k.activation);
  }

  // Rows of pools [first, last) of an image, whose places are `rows`.
  void convolve_and_pool(i64 image, i64 first, i64 last, const Rows& rows) const {
    const PoolShape& p = k.pool;
    Scratch own;
    const Source x = source_of(image, rows, own);
    const i64 row = p.out_width * p.channels, to = (image * p.out_height + first) * row;
    run_pooled_band({x.at, 2 * x.row, 2 * x.place, k.y + to, row, p.channels, last - first, p.out_width, p.channels},
                    4 * x.row, x.runs, bank.packed(), k, k.winner == nullptr ? nullptr : k.winner + to);
  }

  // The same of several images with one row and few places: place by place, so that tiles are full of images.
  void convolve_together(i64 first, i64 images, float* z) const {
    const ConvShape& s = k.conv;
    const i64 size = s.height * s.width * s.channels;
    Scratch own;
    const Runs runs = runs_of(1, 0, s.kernel_width, s.dilation_width * s.channels, s.channels, own);
    for (i64 place = 0; place < columns; ++place)
      run_band({k.x + first * size + place * s.stride_width * s.channels, 0, size, z + place * s.filters, 0,
                columns * s.filters, 1, images, s.filters},
               runs, bank.packed(), k.bias, k.activation);
  }

  // Rows of pools [first, last) of an image from z, whose first row is `begin`.
  template <bool keeps_winner>
  void pool(i64 image, i64 first, i64 last, i64 begin, const float* z) const {
    const PoolShape& p = k.pool;
    PoolShape seen = p;  // z's columns lie closer than those of the whole convolution
    seen.width = columns;
    for (i64 i = first; i < last; ++i)
      for (i64 j = 0; j < p.out_width; ++j) {
        const Pool pool = pool_at(seen, i, j);
        const i64 to = ((image * p.out_height + i) * p.out_width + j) * p.channels;
        for_lanes(p.channels, [&](i64 c, auto lanes) {
          const Best best = best_of<keeps_winner>(
              seen, pool, [&](i64 place) { return lanes.load(z + (place - begin * columns) * p.channels + c); });
          lanes.store(k.y + to + c, best.value);
          if (keeps_winner) lanes.store(k.winner + to + c, best.winner);
        });
      }
  }
};

}  // namespace

void conv_pool_forward(const ConvPoolForward& k) {
  const ConvShape& s = k.conv;
  const PoolShape& p = k.pool;
  if (p.batch * p.out_height * p.out_width * p.channels == 0) return;
  Scratch scratch;
  const Forward forward{k, FilterBank(s, k.w, scratch), pooled_columns(p)};
  const i64 row_floats = forward.columns * s.filters;
  const i64 conv_rows = at_most(nearby_floats / row_floats, s.out_height);
  const i64 wanted = conv_rows < p.pool_height ? 1 : (conv_rows - p.pool_height) / p.stride_height + 1;
  const i64 band = at_most(wanted, p.out_height), bands = ceil_div(p.out_height, band);
  const i64 most_rows = at_most((band - 1) * p.stride_height + p.pool_height, s.out_height);
  const double place_ns = 0.02 * static_cast<double>(s.kernel_height * s.kernel_width * s.channels * s.filters);
  const double band_ns = place_ns * static_cast<double>(most_rows * forward.columns);
  const bool flat = forward.bank.in_panels() && s.height == 1 && s.kernel_height == 1 && s.pad_left == 0 &&
                    forward.columns < 2 * tallest &&
                    (forward.columns - 1) * s.stride_width + (s.kernel_width - 1) * s.dilation_width < s.width;
  const bool in_registers = forward.bank.in_panels() && pools_in_registers(k);
  const i64 together = bands > 1 ? 1 : at_most(flat ? 4 * tallest : rows_for(band_ns), p.batch);
  parallel_for(
      ceil_div(p.batch, together) * bands, 1,
      [&](i64 begin, i64 end) {
        for (i64 task = begin; task < end; ++task) {
          const i64 first_image = task / bands * together, images = at_most(together, p.batch - first_image);
          const i64 first = task % bands * band, last = at_most(first + band, p.out_height);
          const Rows rows = pooled_rows(p, first, last);
          if (in_registers) {
            for (i64 i = 0; i < images; ++i) forward.convolve_and_pool(first_image + i, first, last, rows);
            continue;
          }
          Scratch own;
          float* z = own.floats((flat ? images : 1) * most_rows * row_floats);
          if (flat) forward.convolve_together(first_image, images, z);
          for (i64 i = 0; i < images; ++i) {
            if (!flat) forward.convolve(first_image + i, rows, z);
            const float* own_z = flat ? z + i * row_floats : z;
            if (k.winner != nullptr)
              forward.pool<true>(first_image + i, first, last, rows.begin, own_z);
            else
              forward.pool<false>(first_image + i, first, last, rows.begin, own_z);
          }
        }
      },
      static_cast<i64>(band_ns * static_cast<double>(together)));
}

}  // namespace lw::LIKEWISE_LEVEL
