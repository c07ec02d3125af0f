#include "cpp/kernels/least_squares.h"

#include "cpp/core/arena.h"
#include "cpp/core/parallel.h"
#include "cpp/kernels/simd.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

constexpr int tile_rows = native_lanes == 16 ? 8 : 6;
constexpr int tile_vectors = 2;
constexpr i64 tile_columns = tile_vectors * native_lanes;
constexpr i64 panel_rows = 128;  // history rows gathered at a time

constexpr i64 round_up(i64 value, i64 multiple) { return (value + multiple - 1) / multiple * multiple; }
// Leading stride of matrices and panels: room for whole tiles in both directions.
LIKEWISE_INLINE i64 stride_for(i64 dim) {
  const i64 rows = round_up(dim, tile_rows), columns = round_up(dim, tile_columns);
  return round_up(rows > columns ? rows : columns, vector_lanes);
}

// a[r, c] += or -= sum_h x[h, r] x[h, c] for one tile; every element adds its terms in the order of h.
template <bool subtract>
LIKEWISE_INLINE void rank_update_tile(const float* x, i64 depth, i64 stride, i64 row, i64 column, float* a) {
  Native sum[tile_rows][tile_vectors];
  for (int r = 0; r < tile_rows; ++r)
    for (int v = 0; v < tile_vectors; ++v)
      sum[r][v] = *reinterpret_cast<const NativeUnaligned*>(a + (row + r) * stride + column + v * native_lanes);
  for (i64 h = 0; h < depth; ++h, x += stride) {
    Native right[tile_vectors];
    for (int v = 0; v < tile_vectors; ++v)
      right[v] = *reinterpret_cast<const NativeUnaligned*>(x + column + v * native_lanes);
    for (int r = 0; r < tile_rows; ++r) {
      const Native left = (subtract ? -x[row + r] : x[row + r]) - Native{};
      for (int v = 0; v < tile_vectors; ++v) sum[r][v] = native_fma(left, right[v], sum[r][v]);
    }
  }
  for (int r = 0; r < tile_rows; ++r)
    for (int v = 0; v < tile_vectors; ++v)
      *reinterpret_cast<NativeUnaligned*>(a + (row + r) * stride + column + v * native_lanes) = sum[r][v];
}

// The tiles of rows [row, row + tile_rows) that reach the diagonal or lie right of it.
template <bool subtract>
LIKEWISE_INLINE void rank_update_row(const float* x, i64 depth, i64 stride, i64 row, i64 dim, float* a) {
  for (i64 column = row / tile_columns * tile_columns; column < dim; column += tile_columns)
    rank_update_tile<subtract>(x, depth, stride, row, column, a);
}

// A = U' U in place, U upper triangular, by blocks of rows: what the rows above take away, then the block itself. The
// diagonal is left inverted.
void factorize(i64 dim, i64 stride, float* a) {
  for (i64 row = 0; row < dim; row += tile_rows) {
    rank_update_row<true>(a, row, stride, row, dim, a);
    const i64 end = row + tile_rows < dim ? row + tile_rows : dim;
    for (i64 k = row; k < end; ++k) {
      float* pivot_row = a + k * stride;
      const float inverse = 1.0f / __builtin_sqrtf(pivot_row[k]);
      for_lanes(dim - k, [&](i64 j, auto lanes) {
        lanes.store(pivot_row + k + j, lanes.load(pivot_row + k + j) * Vec(inverse));
      });
      for (i64 below = k + 1; below < end; ++below) {
        float* target = a + below * stride + below;
        const float* source = pivot_row + below;
        const Vec factor(-pivot_row[below]);
        for_lanes(dim - below, [&](i64 j, auto lanes) {
          lanes.store(target + j, fma(factor, lanes.load(source + j), lanes.load(target + j)));
        });
      }
      pivot_row[k] = inverse;
    }
  }
}

// U' y = b, then U x = y, in place.
void substitute(i64 dim, i64 stride, const float* u, float* x) {
  for (i64 k = 0; k < dim; ++k) {
    const float* row = u + k * stride + k + 1;
    float* rest = x + k + 1;
    x[k] *= row[-1];
    const Vec factor(-x[k]);
    for_lanes(dim - k - 1, [&](i64 j, auto lanes) {
      lanes.store(rest + j, fma(factor, lanes.load(row + j), lanes.load(rest + j)));
    });
  }
  for (i64 k = dim - 1; k >= 0; --k) {
    const float* row = u + k * stride + k + 1;
    Vec total(0.0f);
    for_lanes(dim - k - 1,
              [&](i64 j, auto lanes) { total = fma(lanes.load(row + j), lanes.load(x + k + 1 + j), total); });
    x[k] = (x[k] - sum(total)) * row[-1];
  }
}

struct System {
  float* matrix;  // [stride, stride]
  float* panel;   // [panel_rows, stride]
  float* right;   // [dim]
};

// Adds sum_h w_h q_h q_h' and sum_h w_h q_h for the history in [begin, end).
void add_history(const LeastSquares& s, i64 begin, i64 end, i64 stride, const System& system) {
  const i64 dim = s.dim;
  for (i64 from = begin; from < end; from += panel_rows) {
    const i64 count = end - from < panel_rows ? end - from : panel_rows;
    for (i64 h = 0; h < count; ++h) {
      const float* vector = s.others + i64{s.history[from + h]} * dim;
      if (from + h + 8 < end) __builtin_prefetch(s.others + i64{s.history[from + h + 8]} * dim);
      const float weight = s.weights == nullptr ? 1.0f : s.weights[from + h];
      const Vec half(__builtin_sqrtf(weight)), whole(weight);
      for_lanes(dim, [&](i64 j, auto lanes) {
        const Vec value = lanes.load(vector + j);
        lanes.store(system.panel + h * stride + j, half * value);
        lanes.store(system.right + j, fma(whole, value, lanes.load(system.right + j)));
      });
    }
    for (i64 row = 0; row < dim; row += tile_rows)
      rank_update_row<false>(system.panel, count, stride, row, dim, system.matrix);
  }
}

void solve_row(const LeastSquares& s, i64 row, i64 stride, const System& system) {
  const i64 dim = s.dim;
  for (i64 r = 0; r < dim; ++r) {
    for_lanes(
        dim, [&](i64 j, auto lanes) { lanes.store(system.matrix + r * stride + j, lanes.load(s.gram + r * dim + j)); });
    system.matrix[r * stride + r] += s.ridge[row];
    system.right[r] = 0;
  }
  add_history(s, s.begin[row], s.begin[row + 1], stride, system);
  float* x = s.out + row * dim;
  for_lanes(dim, [&](i64 j, auto lanes) { lanes.store(x + j, lanes.load(system.right + j)); });
  factorize(dim, stride, system.matrix);
  substitute(dim, stride, system.matrix, x);
  double explained = 0;
  for (i64 j = 0; j < dim; ++j) explained += static_cast<double>(x[j]) * static_cast<double>(system.right[j]);
  s.explained[row] = explained;
}

}  // namespace

void least_squares(const LeastSquares& s) {
  const i64 stride = stride_for(s.dim);
  const double dim = static_cast<double>(s.dim), rows = static_cast<double>(s.rows > 0 ? s.rows : 1);
  const double history = static_cast<double>(s.begin[s.rows]) / rows;
  parallel_for(s.rows, rows_for(dim * dim * (history + dim / 3) / 64), [&](i64 begin, i64 end) {
    Scratch scratch;
    const System system{scratch.floats(stride * stride), scratch.floats(panel_rows * stride), scratch.floats(stride)};
    for (i64 i = 0; i < stride * stride; ++i) system.matrix[i] = 0;  // what lies outside [dim, dim] stays zero
    for (i64 i = 0; i < panel_rows * stride; ++i) system.panel[i] = 0;
    for (i64 row = begin; row < end; ++row) solve_row(s, row, stride, system);
  });
}

}  // namespace lw::LIKEWISE_LEVEL
