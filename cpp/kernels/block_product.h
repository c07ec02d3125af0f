// Products of blocks that lie in the nearest caches, as parts of larger kernels.
#pragma once

#include "cpp/kernels/gemm_tile.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

LIKEWISE_INLINE i64 least(i64 a, i64 b) { return a < b ? a : b; }
LIKEWISE_INLINE i64 most(i64 a, i64 b) { return a < b ? b : a; }
LIKEWISE_INLINE i64 parts_of(i64 n, i64 size) { return (n + size - 1) / size; }
LIKEWISE_INLINE i64 whole_vectors(i64 n) { return parts_of(n, vector_lanes) * vector_lanes; }

// C (+)= A B with all operands in the nearest caches: a_ip at a[i * a_row + p * a_step], b_pj at b[p * ldb + j], c_ij
// at c[i * ldc + j]; columns is a multiple of the level's lanes.
struct Product {
  i64 rows, columns, depth;
  const float* a;
  i64 a_row, a_step;
  const float* b;
  i64 ldb;
  float* c;
  i64 ldc;
  bool accumulate;
};

// `count` tiles of `height` rows; the height becomes a constant.
template <int vectors, int most_rows>
LIKEWISE_INLINE void run_tiles(i64 height, const Tiles& t) {
  if (height == most_rows)
    tiles<most_rows, vectors>(t);
  else if constexpr (most_rows > 1)
    run_tiles<vectors, most_rows - 1>(height, t);
}

// Rows are dealt evenly to as few tiles as they need: a last tile of one row would wait for its own sums.
template <int vectors, int most_rows>
void multiply_columns(const Product& p, i64 column) {
  const i64 count = parts_of(p.rows, most_rows), height = p.rows / count, taller = p.rows % count;
  Tiles t{.count = taller,
          .k = p.depth,
          .a = reinterpret_cast<const char*>(p.a),
          .row_bytes = 4 * p.a_row,
          .step_bytes = 4 * p.a_step,
          .b = p.b + column,
          .ldb = p.ldb,
          .c = p.c + column,
          .ldc = p.ldc,
          .columns = vectors * native_lanes,
          .segments = 1,
          .segment_bytes = nullptr,
          .load_c = p.accumulate,
          .bias = nullptr,
          .activation = Activation::linear};
  if (taller > 0) run_tiles<vectors, most_rows>(height + 1, t);
  t.count = count - taller;
  t.a += taller * (height + 1) * t.row_bytes;
  t.c += taller * (height + 1) * t.ldc;
  run_tiles<vectors, most_rows>(height, t);
}

void multiply(const Product& p) {
  constexpr int most_rows = native_lanes == 16 ? 8 : 6;  // 32 vector registers at v4, else 16
  i64 column = 0;
  for (; column + 2 * native_lanes <= p.columns; column += 2 * native_lanes) multiply_columns<2, most_rows>(p, column);
  if (column < p.columns) multiply_columns<1, most_rows>(p, column);
}

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
