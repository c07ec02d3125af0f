// The inner kernels of gemm: a tile of C stays in registers while k passes.
//   c_rj = start_rj + sum_p a_rp b_pj     p ascending, one fused multiply-add a step
// In a convolution A is no matrix: its rows overlap, and k comes in segments that lie at the same places in every row.
// The order depends on nothing else, neither tile nor block nor thread nor instruction-set level, so the bits do not
// either (v2 has no fused multiply-add), and a row's result is the same in any batch.
#pragma once

#include "cpp/kernels/activate.h"
#include "cpp/kernels/simd.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

// `count` tiles of one height, one under the other, over one panel of columns and one block of k.
struct Tiles {
  i64 count, k;
  const char* a;
  i64 row_bytes, step_bytes;  // of A, from row to row and along k
  const float* b;             // [k, panel], whole vectors in every row
  i64 ldb;
  float* c;
  i64 ldc;
  i64 columns;               // of the panel that C has
  i64 segments;              // of k, if segmented: as many steps each
  const i64* segment_bytes;  // where A's begin
  i64 b_gap = 0;             // floats between B's
  i64 line_bytes = 0;        // of A, between lines of rows, if there are several
  bool load_c;               // start at C
  const float* bias;         // [panel] to start at, or null
  Activation activation;
};

LIKEWISE_INLINE Native load_native(const float* from) { return *reinterpret_cast<const NativeUnaligned*>(from); }
LIKEWISE_INLINE void store_native(float* to, Native value) { *reinterpret_cast<NativeUnaligned*>(to) = value; }

// The edge of C: the first `columns` of each row of a tile that lies in a buffer.
[[gnu::noinline]] void copy_edge(const Native* tile, i64 rows, i64 vectors, float* c, i64 ldc, i64 columns) {
  for (i64 r = 0; r < rows; ++r)
    for (i64 v = 0; v < vectors; ++v)
      native_store_up_to(c + r * ldc + v * native_lanes, tile[r * vectors + v], columns - v * native_lanes);
}
[[gnu::noinline]] void add_edge(Native* tile, i64 rows, i64 vectors, const float* c, i64 ldc, i64 columns) {
  for (i64 r = 0; r < rows; ++r)
    for (i64 v = 0; v < vectors; ++v)
      tile[r * vectors + v] += native_load_up_to(c + r * ldc + v * native_lanes, columns - v * native_lanes);
}

// Activations but relu, on a finished tile that is still in the first-level cache.
[[gnu::noinline]] void activate_tile(Activation activation, float* c, i64 ldc, i64 rows, i64 columns) {
  for (i64 r = 0; r < rows; ++r)
    for_lanes(columns, [&](i64 j, auto lanes) {
      lanes.store(c + r * ldc + j, activate(activation, lanes.load(c + r * ldc + j)));
    });
}

LIKEWISE_INLINE void keep_in_register(Native& value) {
#if defined(__x86_64__)
  asm("" : "+v"(value));  // else the compiler loads it again for every use
#endif
}

#define LIKEWISE_TILE(r, v) \
  _Pragma("GCC unroll 24") for (int r = 0; r < Rows; ++r) _Pragma("GCC unroll 8") for (int v = 0; v < Vectors; ++v)

// What a tile's sums start at.
template <int Rows, int Vectors>
LIKEWISE_INLINE void begin_tile(const Tiles& t, const float* c, Native (&sum)[Rows][Vectors]) {
  LIKEWISE_TILE(r, v) sum[r][v] = t.bias ? load_native(t.bias + v * native_lanes) : Native{};
  if (t.load_c && t.columns >= Vectors * native_lanes) {
    LIKEWISE_TILE(r, v) sum[r][v] += load_native(c + r * t.ldc + v * native_lanes);
  } else if (t.load_c) {
    Native buffer[Rows * Vectors];
    LIKEWISE_TILE(r, v) buffer[r * Vectors + v] = sum[r][v];
    add_edge(buffer, Rows, Vectors, c, t.ldc, t.columns);
    LIKEWISE_TILE(r, v) sum[r][v] = buffer[r * Vectors + v];
  }
}

template <int Rows, int Vectors>
LIKEWISE_INLINE void rectify_tile(const Tiles& t, Native (&sum)[Rows][Vectors]) {
  if (t.activation != Activation::relu) return;
  LIKEWISE_TILE(r, v) sum[r][v] = native_max(Native{}, sum[r][v]);  // keeps a NaN
}

// What becomes of a tile's sums: rows of C.
struct IntoRows {
  using Given = Tiles;
  static constexpr int lines = 1;         // rows of A lie at even distances
  static constexpr int rows_for_one = 1;  // of A, of each row of C

  template <int Rows, int Vectors>
  LIKEWISE_INLINE static void finish(const Tiles& t, float* c, const Native (&sum)[Rows][Vectors]) {
    if (t.columns >= Vectors * native_lanes) {
      LIKEWISE_TILE(r, v) store_native(c + r * t.ldc + v * native_lanes, sum[r][v]);
    } else {
      Native buffer[Rows * Vectors];
      LIKEWISE_TILE(r, v) buffer[r * Vectors + v] = sum[r][v];
      copy_edge(buffer, Rows, Vectors, c, t.ldc, t.columns);
    }
    if (t.activation != Activation::linear && t.activation != Activation::relu)
      activate_tile(t.activation, c, t.ldc, Rows, t.columns);
  }
};

template <int Rows, int Vectors, bool Segmented = false, typename Into = IntoRows>
void tiles(const typename Into::Given& t) {
  constexpr int registers_needed = Rows * Vectors + Vectors + 1;
  constexpr int line = Rows / Into::lines;            // rows of A in each line
  constexpr int results = Rows / Into::rows_for_one;  // rows of C
  const char* a = t.a;
  float* c = t.c;
  for (i64 tile = 0; tile < t.count; ++tile, a += line * t.row_bytes, c += results * t.ldc) {
    for (int r = 0; r < results; ++r) __builtin_prefetch(c + r * t.ldc, 1);

    Native sum[Rows][Vectors];
    begin_tile(t, c, sum);

    // Three rows of A to a pointer: base, base + stride, base + 2 stride are addressing modes, and registers suffice.
    constexpr int bases = (line + 2) / 3;
    const char* base[Into::lines][bases];
    const float* b = t.b;
    i64 segment = 0;
    do {
      const char* from = Segmented ? a + t.segment_bytes[segment] : a;
#pragma GCC unroll 2
      for (int l = 0; l < Into::lines; ++l)
#pragma GCC unroll 8
        for (int i = 0; i < bases; ++i) base[l][i] = from + 3 * i * t.row_bytes + (l > 0 ? l * t.line_bytes : 0);
#pragma GCC unroll 1
      for (i64 p = 0; p < t.k; ++p, b += t.ldb) {
        Native row[Vectors];
#pragma GCC unroll 8
        for (int v = 0; v < Vectors; ++v) {
          row[v] = load_native(b + v * native_lanes);
          if (Rows > 1 && Vectors > 1 && registers_needed <= native_registers) keep_in_register(row[v]);
        }
#pragma GCC unroll 24
        for (int r = 0; r < Rows; ++r) {
          const char* at = base[r / line][r % line / 3] + r % line % 3 * t.row_bytes;
          const Native value = *reinterpret_cast<const float*>(at) - Native{};
#pragma GCC unroll 8
          for (int v = 0; v < Vectors; ++v) sum[r][v] = native_fma(value, row[v], sum[r][v]);
        }
#pragma GCC unroll 2
        for (int l = 0; l < Into::lines; ++l)
#pragma GCC unroll 8
          for (int i = 0; i < bases; ++i) {
            base[l][i] += t.step_bytes;
            asm("" : "+r"(base[l][i]));
          }
      }
      if (Segmented) b += t.b_gap;
    } while (Segmented && ++segment < t.segments);

    rectify_tile(t, sum);
    Into::finish(t, c, sum);
  }
}

i64 ceil_div(i64 a, i64 b) { return a >= 0 ? (a + b - 1) / b : -(-a / b); }
[[maybe_unused]] i64 at_most(i64 a, i64 b) { return a < b ? a : b; }

// All rows of C in a panel, in tiles whose heights differ by one at most; kernels[rows - 1], the last one the tallest.
// A row of C takes `steps` rows of A in a line.
using TileKernel = void (*)(const Tiles&);
template <typename Given>
void run_tiles(void (*const* kernels)(const Given&), i64 tallest, i64 rows, Given t, i64 steps = 1) {
  const i64 count = ceil_div(rows, tallest), height = rows / count, taller = rows % count;
  if (taller > 0) {
    t.count = taller;
    kernels[height](t);
    t.a += taller * (height + 1) * steps * t.row_bytes;
    t.c += taller * (height + 1) * t.ldc;
  }
  t.count = count - taller;
  kernels[height - 1](t);
}

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
