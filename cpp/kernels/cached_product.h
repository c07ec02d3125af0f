// Products whose operands are all in the nearest caches: the inside of a fused operation.
#pragma once

#include "cpp/kernels/gemm_tile.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

// C (+)= f(A B + bias): a_ip at a[i * a_row + p * a_step], b_pj at b[p * ldb + j], c_ij at c[i * ldc + j]. Rows of B
// and the bias are whole vectors; of C only `columns` are written.
struct Product {
  i64 rows, columns, depth;
  const float* a;
  i64 a_row, a_step;
  const float* b;
  i64 ldb;
  float* c;
  i64 ldc;
  bool accumulate;
  const float* bias = nullptr;
  Activation activation = Activation::linear;
};

// `count` tiles of `height` rows; the height becomes a constant.
template <int vectors, int most_rows>
LIKEWISE_INLINE void run_tiles(i64 height, const Tiles& t) {
  if (height == most_rows)
    tiles<most_rows, vectors>(t);
  else if constexpr (most_rows > 1)
    run_tiles<vectors, most_rows - 1>(height, t);
}

// The part of A that is not zero: of `rows` rows from `row` on, the steps [begin, end).
struct Steps {
  i64 begin, end;
};
struct AllSteps {
  static constexpr bool trims = false;
};

// Rows are dealt evenly to as few tiles as they need: a last tile of one row would wait for its own sums.
template <int vectors, int most_rows, typename StepsOf>
void multiply_columns(const Product& p, i64 column, const StepsOf& steps_of) {
  if (p.rows == 0) return;
  const i64 count = ceil_div(p.rows, most_rows), height = p.rows / count, taller = p.rows % count;
  Tiles t{.count = taller,
          .k = p.depth,
          .a = reinterpret_cast<const char*>(p.a),
          .row_bytes = 4 * p.a_row,
          .step_bytes = 4 * p.a_step,
          .b = p.b + column,
          .ldb = p.ldb,
          .c = p.c + column,
          .ldc = p.ldc,
          .columns = at_most(vectors * native_lanes, p.columns - column),
          .segments = 0,
          .segment_bytes = nullptr,
          .b_gap = 0,
          .load_c = p.accumulate,
          .bias = p.bias == nullptr ? nullptr : p.bias + column,
          .activation = p.activation};
  if constexpr (StepsOf::trims) {
    const char* a = t.a;
    t.count = 1;
    for (i64 tile = 0, row = 0; tile < count; ++tile) {
      const i64 rows = tile < taller ? height + 1 : height;
      const Steps steps = steps_of(row, rows);
      t.k = steps.end - steps.begin;
      t.a = a + row * t.row_bytes + steps.begin * t.step_bytes;
      t.b = p.b + column + steps.begin * p.ldb;
      t.c = p.c + column + row * p.ldc;
      run_tiles<vectors, most_rows>(rows, t);
      row += rows;
    }
  } else {
    if (taller > 0) run_tiles<vectors, most_rows>(height + 1, t);
    t.count = count - taller;
    t.a += taller * (height + 1) * t.row_bytes;
    t.c += taller * (height + 1) * t.ldc;
    run_tiles<vectors, most_rows>(height, t);
  }
}

template <typename StepsOf = AllSteps>
void multiply(const Product& p, const StepsOf& steps_of = {}) {
  constexpr int most_rows = native_lanes == 16 ? 8 : 6;  // 32 vector registers at v4, else 16
  i64 column = 0;
  for (; column + native_lanes < p.columns; column += 2 * native_lanes)
    multiply_columns<2, most_rows>(p, column, steps_of);
  if (column < p.columns) multiply_columns<1, 2 * most_rows>(p, column, steps_of);
}

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
