// What convolutions share: the places of a grid as rows of a product whose left side is never made.
#pragma once

#include "cpp/core/arena.h"
#include "cpp/kernels/conv.h"
#include "cpp/kernels/gemm_pack.h"
#include "cpp/kernels/gemm_tile.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

constexpr i64 panel_lanes = 2 * native_lanes;

// ---------------------------------------------------------------------------------------------------------------------
// Tiles of a panel of columns

// As many rows as registers hold sums of: the more share a vector of filters, the less of them is read.
template <int... Rows>
struct TileTable {
  static constexpr i64 tallest = sizeof...(Rows);
  static constexpr TileKernel wide[] = {tiles<Rows, 2, true>...};
  static constexpr TileKernel narrow[] = {tiles<Rows, 1, true>...};
};
#if defined(__AVX512F__)
using Wide = TileTable<1, 2, 3, 4, 5, 6, 7, 8>;
using Narrow = TileTable<1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24>;
#else
using Wide = TileTable<1, 2, 3, 4, 5, 6>;
using Narrow = TileTable<1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12>;
#endif
constexpr i64 tallest = Wide::tallest;

i64 lanes_for(i64 columns) { return columns > native_lanes ? panel_lanes : native_lanes; }
i64 padded(i64 columns) { return ceil_div(columns, panel_lanes) * panel_lanes; }

void run_tiles(i64 rows, const Tiles& t) {
  if (lanes_for(t.columns) == panel_lanes)
    run_tiles(Wide::wide, Wide::tallest, rows, t);
  else
    run_tiles(Narrow::narrow, Narrow::tallest, rows, t);
}

// The kernel as panels of filters, for each group [panels, taps, channels, lanes]; one group's floats lie panel_floats
// apart.
i64 panel_floats(const ConvShape& s) {
  return s.kernel_height * s.kernel_width * (s.channels / s.groups) * padded(s.filters / s.groups);
}
float* pack_panels(const ConvShape& s, const float* w, Scratch& scratch) {
  const i64 filters = s.filters / s.groups, k = s.kernel_height * s.kernel_width * (s.channels / s.groups);
  float* packed = scratch.floats(s.groups * panel_floats(s));
  for (i64 group = 0; group < s.groups; ++group)
    for (i64 j = 0; j < filters; j += panel_lanes) {
      const i64 width = at_most(filters - j, panel_lanes);
      pack(w + group * filters + j, s.filters, k, width, lanes_for(width), packed + group * panel_floats(s) + k * j);
    }
  return packed;
}

// ---------------------------------------------------------------------------------------------------------------------
// What a place reads

// Part of a grid [height, width, depth], zeros where it reaches beyond: the grid itself where it does not, unless a
// copy is asked for, which has zeros for a panel behind it.
struct Window {
  const float* at;
  i64 row;  // floats from row to row
};

Window window(const float* grid, i64 height, i64 width, i64 depth, i64 first_row, i64 first_column, i64 rows,
              i64 columns, Scratch& scratch, bool copied = false) {
  if (!copied && first_row >= 0 && first_column >= 0 && first_row + rows <= height && first_column + columns <= width)
    return {grid + (first_row * width + first_column) * depth, width * depth};
  float* copy = scratch.floats(rows * columns * depth + panel_lanes);
  __builtin_memset(copy + rows * columns * depth, 0, 4 * panel_lanes);
  const i64 begin = first_column < 0 ? at_most(-first_column, columns) : 0;
  const i64 end = first_column + columns > width ? (width > first_column ? width - first_column : 0) : columns;
  for (i64 r = 0; r < rows; ++r) {
    float* to = copy + r * columns * depth;
    const i64 row = first_row + r;
    const bool inside = row >= 0 && row < height && begin < end;
    const i64 from = inside ? begin : columns, until = inside ? end : columns;
    __builtin_memset(to, 0, static_cast<std::size_t>(4 * from * depth));
    if (inside)
      __builtin_memcpy(to + begin * depth, grid + (row * width + first_column + begin) * depth,
                       static_cast<std::size_t>(4 * (end - begin) * depth));
    __builtin_memset(to + until * depth, 0, static_cast<std::size_t>(4 * (columns - until) * depth));
  }
  return {copy, columns * depth};
}

// What the places of some rows of a convolution read in an image; zeros where it does not reach.
Window window_of_rows(const ConvShape& s, const float* image, i64 first, i64 rows, Scratch& scratch, bool copied) {
  return window(image, s.height, s.width, s.channels, first * s.stride_height - s.pad_top, -s.pad_left,
                (rows - 1) * s.stride_height + (s.kernel_height - 1) * s.dilation_height + 1,
                (s.out_width - 1) * s.stride_width + (s.kernel_width - 1) * s.dilation_width + 1, scratch, copied);
}

// Runs of floats that a place reads: where each begins after the place's own, ascending.
struct Runs {
  i64 count, length;
  const i64* bytes;
};

Runs runs_of(i64 rows, i64 row_step, i64 columns, i64 column_step, i64 depth, Scratch& scratch) {
  const bool joined = column_step == depth || columns == 1;
  const i64 per_row = joined ? 1 : columns;
  i64* bytes = scratch.get<i64>(rows * per_row);
  for (i64 r = 0; r < rows; ++r)
    for (i64 c = 0; c < per_row; ++c) bytes[r * per_row + c] = 4 * (r * row_step + c * column_step);
  return {rows * per_row, joined ? columns * depth : depth, bytes};
}

// Places computed alike: out(i, j) = start + runs of source(i, j) times the packed panels of `columns` columns.
struct Band {
  const float* source;
  i64 source_row, source_place;  // floats
  float* out;
  i64 out_row, out_place;
  i64 rows, places, columns;
};

// Some so many go through all panels of columns before the next ones come: what they read and write stays in the
// nearest cache meanwhile, and a row of the result is whole when it leaves.
constexpr i64 places_together = 48;

// Calls run(t, places) for the tiles of a band: t is those of some places and one panel of columns. (Inlined, as
// run_band: where groups are of few channels a call costs as much as its product.)
template <typename Given, typename Run>
LIKEWISE_INLINE void for_tiles(const Band& band, const Runs& runs, const float* packed, const float* bias, Given t,
                               const Run& run) {
  const i64 k = runs.count * runs.length;
  t.k = runs.length;
  t.segments = runs.count;
  t.segment_bytes = runs.bytes;
  t.row_bytes = 4 * band.source_place;
  t.step_bytes = 4;
  t.ldc = band.out_place;
  t.load_c = false;
  float edge_bias[panel_lanes];
  const i64 last = (band.columns - 1) / panel_lanes * panel_lanes, edge = band.columns - last;
  for (i64 i = 0; bias != nullptr && i < lanes_for(edge); ++i) edge_bias[i] = i < edge ? bias[last + i] : 0.f;
  const i64 rows_together = band.places >= places_together ? 1 : places_together / band.places;
  const i64 parts = band.places < places_together ? 1 : (band.places + places_together / 2) / places_together;
  const i64 part = ceil_div(band.places, parts);
  for (i64 first = 0; first < band.rows; first += rows_together)
    for (i64 place = 0; place < band.places; place += part) {
      const i64 rows = at_most(rows_together, band.rows - first), places = at_most(part, band.places - place);
      for (i64 j = 0; j < band.columns; j += panel_lanes) {
        t.columns = at_most(band.columns - j, panel_lanes);
        t.ldb = lanes_for(t.columns);
        t.b = packed + k * j;
        t.bias = bias == nullptr ? nullptr : j == last ? edge_bias : bias + j;
        for (i64 row = first; row < first + rows; ++row) {
          t.a = reinterpret_cast<const char*>(band.source + row * band.source_row + place * band.source_place);
          t.c = band.out + row * band.out_row + place * band.out_place + j;
          run(t, places);
        }
      }
    }
}

LIKEWISE_INLINE void run_band(Band band, const Runs& runs, const float* packed, const float* bias,
                              Activation activation) {
  if (band.source_row == band.places * band.source_place && band.out_row == band.places * band.out_place) {
    band.places *= band.rows;
    band.rows = 1;
  }
  Tiles t;
  t.activation = activation;
  for_tiles(band, runs, packed, bias, t, [](const Tiles& t, i64 places) { run_tiles(places, t); });
}

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
