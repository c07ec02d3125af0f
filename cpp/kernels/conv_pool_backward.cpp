#include "cpp/core/parallel.h"
#include "cpp/kernels/activate.h"
#include "cpp/kernels/conv_pool.h"
#include "cpp/kernels/conv_pool_reach.h"
#include "cpp/kernels/rows.h"

// Sums of patches (for dw) and of filters (for dx), each in registers while its terms pass.

namespace lw::LIKEWISE_LEVEL {
namespace {

struct Term {
  const float* row;
  float factor;
};

// sums[j] += sum over terms of factor row[offset + j], over V registers
template <int V>
void add_terms(const Term* terms, i64 count, i64 offset, float* sums) {
  Native sum[V];
#pragma GCC unroll 16
  for (int v = 0; v < V; ++v) sum[v] = load_native(sums + v * native_lanes);
  for (i64 i = 0; i < count; ++i) {
    const Native factor = terms[i].factor - Native{};
    const float* row = terms[i].row + offset;
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) sum[v] = native_fma(factor, load_native(row + v * native_lanes), sum[v]);
  }
#pragma GCC unroll 16
  for (int v = 0; v < V; ++v) store_native(sums + v * native_lanes, sum[v]);
}
void add_last_terms(const Term* terms, i64 count, i64 offset, float* sums, i64 columns) {
  Native sum = native_load_up_to(sums, columns);
  for (i64 i = 0; i < count; ++i)
    sum = native_fma(terms[i].factor - Native{}, native_load_up_to(terms[i].row + offset, columns), sum);
  native_store_up_to(sums, sum, columns);
}

constexpr i64 most_vectors = 12;
using AddTerms = void (*)(const Term*, i64, i64, float*);
constexpr AddTerms add_vectors[] = {add_terms<1>, add_terms<2>,  add_terms<3>,  add_terms<4>,
                                    add_terms<5>, add_terms<6>,  add_terms<7>,  add_terms<8>,
                                    add_terms<9>, add_terms<10>, add_terms<11>, add_terms<12>};

// Adds the terms to `length` sums, as many at a time as registers hold.
LIKEWISE_INLINE void add(const Term* terms, i64 count, i64 offset, float* sums, i64 length) {
  i64 first = 0, left = length / native_lanes;
  if (count == 1) {  // nothing to keep in registers
    const Native factor = terms->factor - Native{};
    const float* row = terms->row + offset;
#pragma GCC unroll 4
    for (; left > 0; --left, first += native_lanes)
      store_native(sums + first, native_fma(factor, load_native(row + first), load_native(sums + first)));
  }
  while (left > 0) {
    const i64 vectors = at_most(left, most_vectors);
    add_vectors[vectors - 1](terms, count, offset + first, sums + first);
    first += vectors * native_lanes;
    left -= vectors;
  }
  if (first < length) add_last_terms(terms, count, offset + first, sums + first, length - first);
}

constexpr i64 enough_terms = 64;  // of a filter, which pay for reading and writing its sums

// What stays in the nearest cache: the images that pass at a time, and the piece of all filters they pass by. The
// length of a piece is a whole number of vectors at every level.
constexpr i64 floats_of_images = 12 * 1024, floats_of_filters = 6 * 1024;
i64 piece_floats(i64 filters) {
  constexpr i64 least = 96;
  const i64 fitting = floats_of_filters / filters / least * least;
  return fitting < least ? least : fitting;
}

void zero(float* to, i64 count) { __builtin_memset(to, 0, static_cast<std::size_t>(4 * count)); }

// Where a place of the convolution reads in x, and what the pools of an image keep of it.
struct Cells {
  const PoolShape& pool;  // over the columns that pools look at
  const float* x;         // of the first place
  i64 row_step, step;     // of places in x
  const float* dz;        // [cells, filters]
  const float* winner;    // as dz
  i64 first_row;          // of the convolution
};

// For up to a vector of filters from f on and N of the floats that places read, at `reads`:
//   sums_nf += sum over places of x_{place, n} dz_f where f's winner is there
template <int N>
void add_cells(const Cells& c, i64 f, const i64* reads, float* sums, i64 sums_row) {
  const i64 filters = c.pool.channels, lanes = filters - f;
  Native sum[N];
#pragma GCC unroll 16
  for (int n = 0; n < N; ++n) sum[n] = load_native(sums + n * sums_row);
  i64 at = f;
  for (i64 i = 0; i < c.pool.out_height; ++i)
    for (i64 j = 0; j < c.pool.out_width; ++j, at += filters) {
      const Native dz = native_load_up_to(c.dz + at, lanes), winner = native_load_up_to(c.winner + at, lanes);
      const Pool pool = pool_at(c.pool, i, j);
      i64 number = pool.number;
      for (i64 row = pool.first_row; row < pool.last_row; ++row, number += c.pool.pool_width)
        for (i64 column = pool.first_column; column < pool.last_column; ++column) {
          const float here = static_cast<float>(number + column - pool.first_column);
          const Native won = winner == here - Native{} ? dz : Native{};
          const float* x = c.x + (row - c.first_row) * c.row_step + column * c.step;
#pragma GCC unroll 16
          for (int n = 0; n < N; ++n) sum[n] = native_fma(x[reads[n]] - Native{}, won, sum[n]);
        }
    }
#pragma GCC unroll 16
  for (int n = 0; n < N; ++n) store_native(sums + n * sums_row, sum[n]);
}
constexpr i64 most_reads = 12;
using AddCells = void (*)(const Cells&, i64, const i64*, float*, i64);
constexpr AddCells add_reads[] = {add_cells<1>, add_cells<2>,  add_cells<3>,  add_cells<4>,
                                  add_cells<5>, add_cells<6>,  add_cells<7>,  add_cells<8>,
                                  add_cells<9>, add_cells<10>, add_cells<11>, add_cells<12>};

// The sums of a part of the batch.
struct Part {
  float* dw;     // [filters, row], or [length, row] where places read little; or null
  float* dbias;  // [filters], or null
};

// (weights() and inputs() are not inlined: in one function they would share too few registers.)
struct Backward {
  const ConvPoolBackward& k;
  const float* turned;  // w as [filters, turned_row], where dx is wanted
  i64 turned_row, row;  // floats of a filter in `turned` and in Part::dw
  i64 cells, columns;   // pools of an image; columns of the convolution
  Rows rows;            // of the convolution

  // Floats from number 0 of a pool to the place of each number.
  const i64* numbers(i64 row_step, i64 step, Scratch& scratch) const {
    const PoolShape& p = k.pool;
    i64* offsets = scratch.get<i64>(p.pool_height * p.pool_width);
    for (i64 number = 0; number < p.pool_height * p.pool_width; ++number)
      offsets[number] = number / p.pool_width * row_step + number % p.pool_width * step;
    return offsets;
  }
  // Floats from the first place to that of number 0 of a pool, which may lie outside.
  i64 offset_of(i64 cell, i64 row_step, i64 step) const {
    const PoolShape& p = k.pool;
    return (cell / p.out_width * p.stride_height - p.pad_top) * row_step +
           (cell % p.out_width * p.stride_width - p.pad_left) * step;
  }

  // dz of an image [cells, filters], and its sums.
  void dz_of(i64 image, float* dz, float* dbias) const {
    const i64 filters = k.conv.filters, size = cells * filters;
    slopes(k.activation, default_alpha(k.activation), k.y + image * size, k.dy + image * size, size, dz);
    if (dbias != nullptr) add_rows(dz, filters, cells, filters, dbias);
  }

  // dw of an image whose places read little: all floats they read at once, for vectors of filters.
  void few_weights(i64 image, const float* dz, float* dw) const {
    const ConvShape& s = k.conv;
    const i64 length = s.kernel_height * s.kernel_width * s.channels;
    Scratch scratch;
    const Window x = window_of(s, k.x + image * s.height * s.width * s.channels, rows, columns, scratch);
    i64* reads = scratch.get<i64>(length);
    const i64 run = s.kernel_width * s.channels;
    for (i64 n = 0; n < length; ++n) reads[n] = n / run * s.dilation_height * x.row + n % run;
    PoolShape seen = k.pool;
    seen.width = columns;
    const Cells found{
        seen,      x.at, s.stride_height * x.row, s.stride_width * s.channels, dz, k.winner + image * cells * s.filters,
        rows.begin};
    const i64 pieces = ceil_div(length, most_reads);
    for (i64 f = 0; f < s.filters; f += native_lanes)
      for (i64 piece = 0; piece < pieces; ++piece) {
        const i64 first = length * piece / pieces, last = length * (piece + 1) / pieces;
        add_reads[last - first - 1](found, f, reads + first, dw + first * row + f, row);
      }
  }

  // dw of some images: the patches of each filter's winners. Piece after piece of all filters, so that their sums stay
  // in the nearest cache while the images pass, a few at a time, which stay there too while the filters pass.
  [[gnu::noinline]] void weights(i64 first, i64 images, const float* dz, float* dw) const {
    const ConvShape& s = k.conv;
    const i64 filters = s.filters, size = s.height * s.width * s.channels;
    Scratch scratch;
    const float** sources = scratch.get<const float*>(images);
    i64 x_row = 0;
    for (i64 i = 0; i < images; ++i) {
      const Window x = window_of(s, k.x + (first + i) * size, rows, columns, scratch);
      sources[i] = x.at, x_row = x.row;
    }
    const Runs runs = runs_of(s.kernel_height, s.dilation_height * x_row, s.kernel_width, s.dilation_width * s.channels,
                              s.channels, scratch);
    const i64 step = s.stride_width * s.channels, row_step = s.stride_height * x_row;
    const i64* of_number = numbers(row_step, step, scratch);
    const i64 piece = piece_floats(filters);
    const i64 reach = (rows.end - rows.begin - 1) * row_step + (columns - 1) * step + piece;  // of a piece, in an image
    const i64 together = at_most(ceil_div(floats_of_images, at_most(reach, size)), images);
    const i64 passes = ceil_div(images, together);
    Term* terms = scratch.get<Term>(images * cells * filters);  // [filters, images, cells], as far as they are not zero
    i64* ends = scratch.get<i64>((passes + 1) * filters);       // [passes + 1, filters]: where those of a pass end
    for (i64 f = 0; f < filters; ++f) ends[f] = f * images * cells;
    for (i64 pass = 0; pass < passes; ++pass) {
      i64* counts = ends + (pass + 1) * filters;
      for (i64 f = 0; f < filters; ++f) counts[f] = ends[pass * filters + f];
      for (i64 i = pass * together; i < at_most((pass + 1) * together, images); ++i)
        for (i64 cell = 0; cell < cells; ++cell) {
          const float* factor = dz + (i * cells + cell) * filters;
          const float* number = k.winner + ((first + i) * cells + cell) * filters;
          const i64 of_cell = offset_of(cell, row_step, step) - rows.begin * row_step;
          for (i64 f = 0; f < filters; ++f) {
            terms[counts[f]] = {sources[i] + (of_cell + of_number[static_cast<i64>(number[f])]), factor[f]};
            counts[f] += factor[f] != 0.f;
          }
        }
    }
    for (i64 run = 0; run < runs.count; ++run)
      for (i64 from = 0; from < runs.length; from += piece)
        for (i64 pass = 0; pass < passes; ++pass)
          for (i64 f = 0; f < filters; ++f) {
            const i64 begin = ends[pass * filters + f], count = ends[(pass + 1) * filters + f] - begin;
            add(terms + begin, count, runs.bytes[run] / 4 + from, dw + f * row + run * runs.length + from,
                at_most(runs.length - from, piece));
          }
  }

  // Terms that add to one patch of dx.
  struct Group {
    float* patch;
    i64 first, count;
  };
  struct Groups {
    Group* groups;
    i64 count;
    Term* terms;
  };

  // Those of an image, in room for most_groups() and cells * filters + 1 terms. Winners at one place of a pool add to
  // the same patch together, unless there are so many places that few meet. (Each place looks through all winners: to
  // count first where they are is slower, as every count waits for the one before.)
  void group(i64 image, const float* dz, float* grid, i64 row_step, i64 step, const i64* of_number, Groups& to) const {
    const i64 filters = k.conv.filters, places = k.pool.pool_height * k.pool.pool_width;
    Scratch scratch;
    Term* winners = scratch.get<Term>(filters + 1);  // of a cell, as far as they are not zero
    i64* numbers = scratch.get<i64>(filters + 1);
    i64 used = 0;
    to.count = 0;
    for (i64 cell = 0; cell < cells; ++cell) {
      const float* factor = dz + cell * filters;
      const float* number = k.winner + (image * cells + cell) * filters;
      i64 count = 0;
      for (i64 f = 0; f < filters; ++f) {
        winners[count] = {turned + f * turned_row, factor[f]};
        numbers[count] = static_cast<i64>(number[f]);
        count += factor[f] != 0.f;
      }
      float* patch = grid + (offset_of(cell, row_step, step) - rows.begin * row_step);
      if (places >= filters) {
        for (i64 i = 0; i < count; ++i, ++used) {
          to.terms[used] = winners[i];
          to.groups[to.count++] = {patch + of_number[numbers[i]], used, 1};
        }
        continue;
      }
      for (i64 place = 0; place < places; ++place) {
        const i64 first = used;
        for (i64 i = 0; i < count; ++i) {
          to.terms[used] = winners[i];
          used += numbers[i] == place;
        }
        if (used > first) to.groups[to.count++] = {patch + of_number[place], first, used - first};
      }
    }
  }
  i64 most_groups() const { return cells * at_most(k.conv.filters, k.pool.pool_height * k.pool.pool_width); }

  // What dx begins as.
  void begin_inputs(i64 at, i64 count) const {
    if (k.dx_so_far == nullptr)
      zero(k.dx + at, count);
    else if (k.dx_so_far != k.dx)
      __builtin_memcpy(k.dx + at, k.dx_so_far + at, static_cast<std::size_t>(4 * count));
  }

  // dx of some images, piece after piece of the filters, so that these stay in the nearest cache while images pass.
  // Patches overlap: the order in which they add to a float is that of pieces and groups, which no vector's width
  // decides.
  [[gnu::noinline]] void inputs(i64 first, i64 images, const float* dz) const {
    const ConvShape& s = k.conv;
    const i64 size = s.height * s.width * s.channels;
    const auto [top, left, height, width] = reach_of(s, rows, columns);
    const bool inside = top >= 0 && left >= 0 && top + height <= s.height && left + width <= s.width;
    const i64 row_floats = (inside ? s.width : width) * s.channels, grid_floats = height * row_floats;
    float* dx = k.dx + first * size;
    Scratch scratch;
    begin_inputs(first * size, images * size);
    float* grids = inside ? dx + (top * s.width + left) * s.channels : scratch.floats(images * grid_floats);
    const i64 grid_step = inside ? size : grid_floats;
    if (!inside) zero(grids, images * grid_floats);

    const i64 step = s.stride_width * s.channels, row_step = s.stride_height * row_floats;
    const i64* of_number = numbers(row_step, step, scratch);
    const i64 most = most_groups(), most_terms = cells * s.filters + 1;
    Groups* groups = scratch.get<Groups>(images);
    Group* all_groups = scratch.get<Group>(images * most);
    Term* all_terms = scratch.get<Term>(images * most_terms);
    for (i64 i = 0; i < images; ++i) {
      groups[i] = {all_groups + i * most, 0, all_terms + i * most_terms};
      group(first + i, dz + i * cells * s.filters, grids + i * grid_step, row_step, step, of_number, groups[i]);
    }
    const Runs runs = runs_of(s.kernel_height, s.dilation_height * row_floats, s.kernel_width,
                              s.dilation_width * s.channels, s.channels, scratch);
    const i64 piece = piece_floats(s.filters);
    for (i64 run = 0; run < runs.count; ++run)
      for (i64 from = 0; from < runs.length; from += piece)
        for (i64 i = 0; i < images; ++i)
          for (i64 g = 0; g < groups[i].count; ++g) {
            const Group& group = groups[i].groups[g];
            add(groups[i].terms + group.first, group.count, run * runs.length + from,
                group.patch + runs.bytes[run] / 4 + from, at_most(runs.length - from, piece));
          }
    if (inside) return;
    for (i64 i = 0; i < images; ++i)
      for (i64 r = 0; r < height; ++r) {
        const i64 at = top + r, begin = left < 0 ? 0 : left, end = at_most(left + width, s.width);
        if (at < 0 || at >= s.height) continue;
        for_lanes((end - begin) * s.channels, [&](i64 j, auto lanes) {
          float* to = dx + i * size + (at * s.width + begin) * s.channels + j;
          const float* found = grids + i * grid_floats + r * row_floats + (begin - left) * s.channels + j;
          lanes.store(to, lanes.load(to) + lanes.load(found));
        });
      }
  }

  void run(i64 first, i64 last, const Part& part) const {
    const i64 together = at_most(ceil_div(enough_terms, cells), last - first), size = cells * k.conv.filters;
    Scratch scratch;
    float* dz = scratch.floats(together * size);
    for (i64 image = first; image < last; image += together) {
      const i64 images = at_most(together, last - image);
      for (i64 i = 0; i < images; ++i) dz_of(image + i, dz + i * size, part.dbias);
      if (part.dw != nullptr && !reads_little(k.conv)) weights(image, images, dz, part.dw);
      for (i64 i = 0; part.dw != nullptr && reads_little(k.conv) && i < images; ++i)
        few_weights(image + i, dz + i * size, part.dw);
      if (k.dx != nullptr) inputs(image, images, dz);
    }
  }
};

}  // namespace

// The batch is cut into parts by shape alone; each has sums of its own, and these are added in order.
void conv_pool_backward(const ConvPoolBackward& k) {
  constexpr i64 most_parts = 16, most_floats = i64{1} << 22;
  const ConvShape& s = k.conv;
  const PoolShape& p = k.pool;
  const i64 length = s.kernel_height * s.kernel_width * s.channels, filters = s.filters;
  const bool few = reads_little(s);
  const i64 turned_row = ceil_div(length, native_lanes) * native_lanes;
  const i64 row = few ? ceil_div(filters, native_lanes) * native_lanes : turned_row,
            size = (few ? length : filters) * row;
  const i64 cells = p.out_height * p.out_width;
  const i64 images = cells > 0 ? p.batch : 0;
  i64 parts = at_most(at_most(images * cells / enough_terms, at_most(images, most_parts)), most_floats / (size + 1));
  if (parts < 1) parts = 1;
  Scratch scratch;
  float* turned = k.dx == nullptr ? nullptr : scratch.floats(filters * turned_row);
  if (turned != nullptr) pack_transposed(k.w, filters, filters, length, turned_row, turned);
  float* dw = k.dw == nullptr ? nullptr : scratch.floats(parts * size);
  float* dbias = k.dbias == nullptr ? nullptr : scratch.floats(parts * filters);
  const Backward backward{k, turned, turned_row, row, cells, pooled_columns(p), pooled_rows(p, 0, p.out_height)};
  const double image_ns = 0.05 * static_cast<double>(cells * filters * (length + 20));
  parallel_for(
      parts, 1,
      [&](i64 begin, i64 end) {
        for (i64 part = begin; part < end; ++part) {
          const Part own{dw == nullptr ? nullptr : dw + part * size,
                         dbias == nullptr ? nullptr : dbias + part * filters};
          if (own.dw != nullptr) zero(own.dw, size);
          if (own.dbias != nullptr) zero(own.dbias, filters);
          backward.run(images * part / parts, images * (part + 1) / parts, own);
        }
      },
      static_cast<i64>(image_ns * static_cast<double>(images) / static_cast<double>(parts)));
  if (images == 0 && k.dx != nullptr) backward.begin_inputs(0, s.batch * s.height * s.width * s.channels);
  for (i64 f = 0; dbias != nullptr && f < filters; ++f) {
    k.dbias[f] = dbias[f];
    for (i64 part = 1; part < parts; ++part) k.dbias[f] += dbias[part * filters + f];
  }
  if (dw == nullptr) return;
  const auto summed = [&](i64 at) {
    Native sum = load_native(dw + at);
    for (i64 part = 1; part < parts; ++part) sum += load_native(dw + part * size + at);
    return sum;
  };
  const i64 columns = ceil_div(filters, native_lanes), rows = few ? length : ceil_div(length, native_lanes);
  const i64 pieces = native_lanes * (few ? 1 : native_lanes);
  parallel_for(columns * rows, rows_for(0.05 * static_cast<double>(parts * pieces)), [&](i64 begin, i64 end) {
    for (i64 i = begin; i < end; ++i) {
      const i64 f = i % columns * native_lanes, wide = at_most(filters - f, native_lanes);
      if (few) {
        native_store_up_to(k.dw + i / columns * filters + f, summed(i / columns * row + f), wide);
        continue;
      }
      const i64 first = i / columns * native_lanes;
      Native square[native_lanes];
#pragma GCC unroll 16
      for (int r = 0; r < native_lanes; ++r) square[r] = r < wide ? summed((f + r) * row + first) : Native{};
      transpose(square);
#pragma GCC unroll 16
      for (int r = 0; r < native_lanes; ++r)
        if (first + r < length) native_store_up_to(k.dw + (first + r) * filters + f, square[r], wide);
    }
  });
}

}  // namespace lw::LIKEWISE_LEVEL
