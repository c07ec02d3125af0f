#include "cpp/kernels/gemm.h"

#include "cpp/core/arena.h"
#include "cpp/core/parallel.h"
#include "cpp/kernels/gemm_pack.h"
#include "cpp/kernels/gemm_tile.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

// ---------------------------------------------------------------------------------------------------------------------
// Tiles by the width of their panel in vectors; kernels[rows - 1]. The tallest fills the registers.

i64 at_least(i64 a, i64 b) { return a < b ? b : a; }

#if defined(__AVX512F__)
constexpr TileKernel one_vector[] = {tiles<1, 1>,  tiles<2, 1>,  tiles<3, 1>,  tiles<4, 1>,  tiles<5, 1>,  tiles<6, 1>,
                                     tiles<7, 1>,  tiles<8, 1>,  tiles<9, 1>,  tiles<10, 1>, tiles<11, 1>, tiles<12, 1>,
                                     tiles<13, 1>, tiles<14, 1>, tiles<15, 1>, tiles<16, 1>};
constexpr TileKernel two_vectors[] = {tiles<1, 2>, tiles<2, 2>, tiles<3, 2>, tiles<4, 2>,
                                      tiles<5, 2>, tiles<6, 2>, tiles<7, 2>, tiles<8, 2>};
constexpr TileKernel four_vectors[] = {tiles<1, 4>, tiles<2, 4>, tiles<3, 4>, tiles<4, 4>};
#else
constexpr TileKernel one_vector[] = {tiles<1, 1>, tiles<2, 1>, tiles<3, 1>, tiles<4, 1>,  tiles<5, 1>,  tiles<6, 1>,
                                     tiles<7, 1>, tiles<8, 1>, tiles<9, 1>, tiles<10, 1>, tiles<11, 1>, tiles<12, 1>};
constexpr TileKernel two_vectors[] = {tiles<1, 2>, tiles<2, 2>, tiles<3, 2>, tiles<4, 2>, tiles<5, 2>, tiles<6, 2>};
constexpr TileKernel four_vectors[] = {tiles<1, 4>, tiles<2, 4>, tiles<3, 4>};
#endif
constexpr TileKernel eight_vectors[] = {tiles<1, 8>};

struct Width {
  i64 vectors;
  const TileKernel* kernels;
  i64 tallest;
};
template <std::size_t N>
constexpr Width width_of(i64 vectors, const TileKernel (&kernels)[N]) {
  return {vectors, kernels, static_cast<i64>(N)};
}
constexpr Width widths[] = {width_of(8, eight_vectors), width_of(4, four_vectors), width_of(2, two_vectors),
                            width_of(1, one_vector)};
constexpr i64 widest = 8 * native_lanes;

// Few rows take the widest panel whose tile holds them all, for enough independent sums; many rows take two vectors.
const Width& width_for(i64 rows, i64 columns) {
  for (const Width& width : widths)
    if (width.vectors * native_lanes <= columns && (rows <= width.tallest || width.vectors <= 2)) return width;
  return columns > native_lanes ? widths[2] : widths[3];
}

// A tile of one row: B passes once, in the order it lies in memory, four of its rows at a time, over sums that stay
// in C and so in the first-level cache. Bound by reading B; takes any number of columns.
template <int Steps>
LIKEWISE_INLINE void add_steps(const Tiles& t, i64 p) {
  const float* b = t.b + p * t.ldb;
  Native value[Steps];
#pragma GCC unroll 4
  for (int s = 0; s < Steps; ++s) {
    value[s] = *reinterpret_cast<const float*>(t.a + (p + s) * t.step_bytes) - Native{};
    keep_in_register(value[s]);
  }
  i64 j = 0;
  for (; j + native_lanes <= t.columns; j += native_lanes) {
    Native sum = load_native(t.c + j);
#pragma GCC unroll 4
    for (int s = 0; s < Steps; ++s) sum = native_fma(value[s], load_native(b + s * t.ldb + j), sum);
    store_native(t.c + j, sum);
  }
  if (const i64 left = t.columns - j; left > 0) {
    Native sum = native_load_up_to(t.c + j, left);
#pragma GCC unroll 4
    for (int s = 0; s < Steps; ++s) sum = native_fma(value[s], native_load_up_to(b + s * t.ldb + j, left), sum);
    native_store_up_to(t.c + j, sum, left);
  }
}

void one_row(const Tiles& t) {
  for_lanes(t.columns, [&](i64 j, auto lanes) {
    Vec start = t.bias == nullptr ? Vec(0.f) : lanes.load(t.bias + j);
    if (t.load_c) start += lanes.load(t.c + j);
    lanes.store(t.c + j, start);
  });
  i64 p = 0;
  for (; p + 4 <= t.k; p += 4) add_steps<4>(t, p);
  for (; p < t.k; ++p) add_steps<1>(t, p);
  if (t.activation != Activation::linear) activate_tile(t.activation, t.c, t.ldc, 1, t.columns);
}

// ---------------------------------------------------------------------------------------------------------------------
// Blocks of C

constexpr i64 k_block = 256;  // a panel of B, [256, 32] at most, stays in the first-level cache

struct Range {
  i64 begin, end;
  i64 size() const { return end - begin; }
};

// Tiles read B where it is, unless rows of B lie so far apart that a panel falls on few cache sets and many pages, and
// enough rows of A pass to pay for a copy (measured: 64 rows at 1,024 columns, 256 at 512). A B that is transposed, or
// whose last panel is not whole, is always copied.
bool pays_to_pack(const Gemm& g, i64 rows) { return g.ldb >= 512 && rows * g.ldb * g.ldb >= i64{1} << 26; }

void pack_panel(const Gemm& g, Range k, Range columns, i64 lanes, float* packed) {
  if (g.transpose_b)
    pack_transposed(g.b + columns.begin * g.ldb + k.begin, g.ldb, k.size(), columns.size(), lanes, packed);
  else
    pack(g.b + k.begin * g.ldb + columns.begin, g.ldb, k.size(), columns.size(), lanes, packed);
}

// C over rows x columns, from A and B over k. `c` is where element (rows.begin, columns.begin) goes.
void run_block(const Gemm& g, Range rows, Range columns, Range k, float* c, i64 ldc) {
  Scratch scratch;
  float* packed = nullptr;
  float edge_bias[widest];
  Tiles t;
  t.row_bytes = 4 * (g.transpose_a ? 1 : g.lda);
  t.step_bytes = 4 * (g.transpose_a ? g.lda : 1);
  t.ldc = ldc;
  i64 p = k.begin;
  do {
    t.k = at_most(k.end - p, k_block);
    t.a = reinterpret_cast<const char*>(g.a) + rows.begin * t.row_bytes + p * t.step_bytes;
    t.load_c = g.accumulate || p > k.begin;
    t.activation = p + t.k >= k.end ? g.activation : Activation::linear;
    for (i64 j = columns.begin; j < columns.end; j += t.columns) {
      const i64 left = columns.end - j;
      const bool reads_once = rows.size() == 1 && !g.transpose_b && left >= 256;
      const Width& width = width_for(rows.size(), left);
      const i64 lanes = reads_once ? 1024 : width.vectors * native_lanes;
      t.columns = at_most(lanes, left);
      t.c = c + j - columns.begin;
      t.bias = p == k.begin && g.bias != nullptr ? g.bias + j : nullptr;
      t.b = g.b + p * g.ldb + j;
      t.ldb = g.ldb;
      if (reads_once) {
        one_row(t);
        continue;
      }
      if (t.bias != nullptr && t.columns < lanes) {
        for (i64 i = 0; i < lanes; ++i) edge_bias[i] = i < t.columns ? t.bias[i] : 0.f;
        t.bias = edge_bias;
      }
      if (g.transpose_b || t.columns < lanes || pays_to_pack(g, rows.size())) {
        if (packed == nullptr) packed = scratch.floats(k_block * widest);
        pack_panel(g, {p, p + t.k}, {j, j + t.columns}, lanes, packed);
        t.b = packed;
        t.ldb = lanes;
      }
      run_tiles(width.kernels, width.tallest, rows.size(), t);
    }
    p += k_block;
  } while (p < k.end);
}

// ---------------------------------------------------------------------------------------------------------------------
// Tasks

// On one core: 16 operations a lane and nanosecond, or reading B at 160 bytes a nanosecond.
double estimated_ns(i64 m, i64 n, i64 k) {
  const double rows = static_cast<double>(m), most = rows / (8. * native_lanes);
  return static_cast<double>(n) * static_cast<double>(k) * (most > 1. / 40 ? most : 1. / 40);
}

// A grid of blocks. The bits do not depend on it.
struct Grid {
  i64 rows, columns;  // of a block
  i64 down, across, task_ns;
};

// Tasks of 8 to 250 us, 32 in the middle; a power of two, which divides well. They follow one another down the rows, so
// that two threads seldom write next to each other.
Grid grid_for(const Gemm& g) {
  const double ns = estimated_ns(g.m, g.n, g.k);
  const double wanted_ns = ns < 32 * 8e3 ? 8e3 : ns > 32 * 250e3 ? 250e3 : ns / 32;
  i64 tasks = ns > 2e3 ? 2 : 1;
  while (static_cast<double>(tasks) * wanted_ns < ns) tasks *= 2;

  const bool packed = g.transpose_b || pays_to_pack(g, at_most(g.m, 512));
  const i64 down = at_most(tasks, at_least(g.m / (packed ? 512 : 128), 1));
  const i64 panel = 2 * native_lanes;
  const i64 across = at_most(at_least(tasks / down, 1), ceil_div(g.n, panel));
  const i64 further_down = at_most(at_least(tasks / across, down), at_least(g.m / 16, 1));  // where columns are few
  Grid grid;
  grid.rows = at_most(ceil_div(ceil_div(g.m, further_down), 8) * 8, g.m);
  grid.columns = at_most(ceil_div(ceil_div(g.n, across), panel) * panel, g.n);
  grid.down = ceil_div(g.m, grid.rows);
  grid.across = ceil_div(g.n, grid.columns);
  grid.task_ns = static_cast<i64>(ns) / (grid.down * grid.across);
  return grid;
}

template <typename Use>
LIKEWISE_INLINE void for_block(const Gemm& g, const Grid& grid, i64 task, const Use& use) {
  const i64 row = task % grid.down * grid.rows, column = task / grid.down * grid.columns;
  use(Range{row, at_most(row + grid.rows, g.m)}, Range{column, at_most(column + grid.columns, g.n)});
}

// C = A^T B over many rows of both, the gradient of a weight: k is cut into slices by shape alone, every slice has a
// product of its own, and these are added in order.
void sum_of_slices(const Gemm& g, i64 slices) {
  const i64 slice = ceil_div(g.k, slices), size = g.m * g.n;
  Scratch scratch;
  float* products = scratch.floats(slices * size);
  Gemm part = g;
  part.accumulate = false;
  part.bias = nullptr;
  part.activation = Activation::linear;
  parallel_for(
      slices, 1,
      [&](i64 begin, i64 end) {
        for (i64 s = begin; s < end; ++s)
          run_block(part, {0, g.m}, {0, g.n}, {s * slice, at_most((s + 1) * slice, g.k)}, products + s * size, g.n);
      },
      static_cast<i64>(estimated_ns(g.m, g.n, slice)));
  for (i64 row = 0; row < g.m; ++row)
    for_lanes(g.n, [&](i64 j, auto lanes) {
      float* c = g.c + row * g.ldc + j;
      Vec sum = g.bias == nullptr ? Vec(0.f) : lanes.load(g.bias + j);
      if (g.accumulate) sum += lanes.load(c);
      for (i64 s = 0; s < slices; ++s) sum += lanes.load(products + s * size + row * g.n + j);
      lanes.store(c, activate(g.activation, sum));
    });
}

// ---------------------------------------------------------------------------------------------------------------------
// Large products: a block of B is copied for everybody, in panels; then each task copies its rows of A, unless they lie
// close together. Rows that lie far apart would fall on few cache sets, and a panel of B reads them all again.

constexpr i64 large_k = 512, large_columns = 2048, large_rows = 96;  // of a block: 96 rows take half a small L2
constexpr i64 gap = 16;         // floats between copied rows, so that they fall on different sets
constexpr i64 far_apart = 256;  // floats from row to row from which a copy pays (measured at 128 to 512)

bool is_large(const Gemm& g) { return g.m >= 4 * large_rows && g.n >= 192 && g.k >= 64; }

struct LargeBlock {
  Range columns, k;
  float* panels;  // of B: [k, panel] each
  float* bias;    // [columns] and zeros to the end of the last panel, or null
};

constexpr i64 large_panel = 2 * native_lanes;
const Width& large_width = widths[2];

void copy_panels(const Gemm& g, const LargeBlock& block) {
  const i64 k = block.k.size();
  parallel_for(
      ceil_div(block.columns.size(), large_panel), 4,
      [&](i64 begin, i64 end) {
        for (i64 j = begin * large_panel; j < at_most(end * large_panel, block.columns.size()); j += large_panel) {
          const i64 column = block.columns.begin + j;
          const Range columns{column, at_most(column + large_panel, block.columns.end)};
          pack_panel(g, block.k, columns, large_panel, block.panels + j * k);
        }
      },
      k * large_panel / 4);
}

void multiply_rows(const Gemm& g, const LargeBlock& block, Range rows) {
  const i64 k = block.k.size();
  Scratch scratch;
  Tiles t;
  t.k = k;
  t.row_bytes = 4 * (g.transpose_a ? 1 : g.lda);
  t.step_bytes = 4 * (g.transpose_a ? g.lda : 1);
  t.a = reinterpret_cast<const char*>(g.a) + rows.begin * t.row_bytes + block.k.begin * t.step_bytes;
  t.ldb = large_panel;
  t.ldc = g.ldc;
  t.load_c = g.accumulate || block.k.begin > 0;
  t.activation = block.k.end < g.k ? Activation::linear : g.activation;
  if (!g.transpose_a && g.lda >= far_apart) {
    float* copy = scratch.floats(rows.size() * (k + gap));
    for (i64 row = 0; row < rows.size(); ++row)
      __builtin_memcpy(copy + row * (k + gap), t.a + row * t.row_bytes, static_cast<std::size_t>(4 * k));
    t.a = reinterpret_cast<const char*>(copy);
    t.row_bytes = 4 * (k + gap);
  }
  for (i64 j = 0; j < block.columns.size(); j += large_panel) {
    t.b = block.panels + j * k;
    t.c = g.c + rows.begin * g.ldc + block.columns.begin + j;
    t.columns = at_most(block.columns.size() - j, large_panel);
    t.bias = block.bias == nullptr || block.k.begin > 0 ? nullptr : block.bias + j;
    run_tiles(large_width.kernels, large_width.tallest, rows.size(), t);
  }
}

void run_large(const Gemm& g) {
  const i64 chunks = ceil_div(ceil_div(g.m, large_rows), 4) * 4;  // even shares for a few threads
  const i64 rows = ceil_div(ceil_div(g.m, chunks), large_width.tallest) * large_width.tallest;
  Scratch scratch;
  LargeBlock block;
  block.panels =
      scratch.floats(at_most(g.k, large_k) * at_most(ceil_div(g.n, large_panel) * large_panel, large_columns));
  block.bias = g.bias == nullptr ? nullptr : scratch.floats(large_columns);
  for (i64 column = 0; column < g.n; column += large_columns) {
    block.columns = {column, at_most(column + large_columns, g.n)};
    if (block.bias != nullptr)
      for (i64 j = 0; j < large_columns; ++j) block.bias[j] = column + j < g.n ? g.bias[column + j] : 0.f;
    for (i64 p = 0; p < g.k; p += large_k) {
      block.k = {p, at_most(p + large_k, g.k)};
      copy_panels(g, block);
      parallel_for(
          ceil_div(g.m, rows), 1,
          [&](i64 begin, i64 end) {
            for (i64 row = begin * rows; row < at_most(end * rows, g.m); row += rows)
              multiply_rows(g, block, {row, at_most(row + rows, g.m)});
          },
          static_cast<i64>(estimated_ns(rows, block.columns.size(), block.k.size())));
    }
  }
}

}  // namespace

void gemm(const Gemm& g) {
  if (g.m <= 0 || g.n <= 0) return;
  if (g.transpose_a && g.m * g.n <= 4096 && g.k >= 1024) return sum_of_slices(g, at_most(g.k / 512, 16));
  if (is_large(g)) return run_large(g);
  const Grid grid = grid_for(g);
  parallel_for(
      grid.down * grid.across, 1,
      [&](i64 begin, i64 end) {
        for (i64 task = begin; task < end; ++task)
          for_block(g, grid, task, [&](Range rows, Range columns) {
            run_block(g, rows, columns, {0, g.k}, g.c + rows.begin * g.ldc + columns.begin, g.ldc);
          });
      },
      grid.task_ns);
}

void gemm_batch(const GemmBatch& g) {
  constexpr i64 many = 8;
  const auto run = [&](i64 output) {
    Gemm product = g.one;
    product.c += output * product.m * product.ldc;
    const i64 begin = g.begin[output], end = g.begin[output + 1];
    if (begin == end) __builtin_memset(product.c, 0, static_cast<std::size_t>(4 * product.m * product.ldc));
    for (i64 pair = begin; pair < end; ++pair) {
      product.a = g.one.a + g.a[pair];
      product.b = g.one.b + g.b[pair];
      product.accumulate = pair > begin;
      gemm(product);
    }
  };
  const double product_ns = 0.02 * static_cast<double>(g.one.m) * static_cast<double>(g.one.n * g.one.k);
  if (g.outputs < many && product_ns > 100'000) {  // each is shared out by itself
    for (i64 output = 0; output < g.outputs; ++output) run(output);
    return;
  }
  const double pairs = static_cast<double>(g.begin[g.outputs]) / static_cast<double>(g.outputs > 0 ? g.outputs : 1);
  const double output_ns = 100 + product_ns * pairs;
  const i64 grain = rows_for(output_ns);
  parallel_for(
      g.outputs, grain,
      [&](i64 first, i64 last) {
        for (i64 output = first; output < last; ++output) run(output);
      },
      static_cast<i64>(output_ns) * grain);
}

}  // namespace lw::LIKEWISE_LEVEL
