#include "cpp/kernels/least_squares.h"

#include "cpp/core/arena.h"
#include "cpp/core/parallel.h"
#include "cpp/kernels/simd.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

constexpr i64 block = 8;  // rows factorized at a time: the same at every level, so that the bits are
constexpr int tile_rows = native_registers == 32 ? 8 : 4;
constexpr i64 panel_rows = 64;  // history rows gathered at a time: 64 dimensions and the matrix stay in L1

constexpr i64 round_up(i64 value, i64 multiple) { return (value + multiple - 1) / multiple * multiple; }

template <int n>
struct Vectors {  // a number that is a constant inside a generic lambda
  constexpr operator int() const { return n; }
};

struct System {
  i64 dim, height, width, stride;  // dim rounded up to blocks and to vectors
  float* matrix;                   // [height, stride]
  float* panel;                    // [panel_rows, stride]; the roots of the weights stand at `width`
  float* right;                    // [width]
  float* solution;                 // [width]
};

// a[r, c] += or -= sum_h left[h, r] right[h, c] for one tile; every element adds its terms in the order of h.
template <int rows, int vectors, bool subtract>
LIKEWISE_INLINE void add_tile(const float* left, const float* right, i64 depth, i64 stride, float* a) {
  Native sum[rows][vectors];
  for (int r = 0; r < rows; ++r)
    for (int v = 0; v < vectors; ++v) {
      const Native value = *reinterpret_cast<const NativeUnaligned*>(a + r * stride + v * native_lanes);
      sum[r][v] = subtract ? -value : value;
    }
  for (i64 h = 0; h < depth; ++h, left += stride, right += stride) {
    Native across[vectors];
    for (int v = 0; v < vectors; ++v) across[v] = *reinterpret_cast<const NativeUnaligned*>(right + v * native_lanes);
    for (int r = 0; r < rows; ++r) {
      const Native down = left[r] - Native{};
      for (int v = 0; v < vectors; ++v) sum[r][v] = native_fma(down, across[v], sum[r][v]);
    }
  }
  for (int r = 0; r < rows; ++r)
    for (int v = 0; v < vectors; ++v)
      *reinterpret_cast<NativeUnaligned*>(a + r * stride + v * native_lanes) = subtract ? -sum[r][v] : sum[r][v];
}

// The same for `block` rows.
template <int vectors, bool subtract>
LIKEWISE_INLINE void add_tiles(const float* left, const float* right, i64 depth, i64 stride, float* a) {
  constexpr int rows = vectors == 1 ? block : tile_rows;  // one vector of few rows would wait for its sums
  for (int r = 0; r < block; r += rows)
    add_tile<rows, vectors, subtract>(left + r, right, depth, stride, a + r * stride);
}

// The rows [row, row + block) of a +-= x'x, right of the diagonal.
template <bool subtract>
void add_block_row(const float* x, i64 depth, i64 row, const System& system) {
  i64 column = row / native_lanes * native_lanes;
  i64 left = (round_up(system.height, native_lanes) - column) / native_lanes;
  const auto add = [&](auto vectors) {
    add_tiles<vectors, subtract>(x + row, x + column, depth, system.stride,
                                 system.matrix + row * system.stride + column);
    column += vectors * native_lanes;
    left -= vectors;
  };
  while (left >= 3) add(Vectors<3>{});
  while (left >= 1) add(Vectors<1>{});
}

// A = U'U in place, U upper triangular with its diagonal inverted, and U'y = b in `right`, by blocks of rows: what the
// rows above take away, the block on the diagonal, then what is right of it. Roots are taken of a finished block only:
// with R = U scaled to the pivots d, the chain from one pivot to the next is one division.
void factorize(const System& system) {
  const i64 stride = system.stride;
  for (i64 row = 0; row < system.height; row += block) {
    float* corner = system.matrix + row * stride + row;
    add_block_row<true>(system.matrix, row, row, system);

    float r[block][block], minus[block][block], root[block], y[block], minus_y[block];
    for (int i = 0; i < block; ++i) {
      y[i] = system.right[row + i];
      for (int j = 0; j < block; ++j) r[i][j] = corner[i * stride + j];
    }
#pragma GCC unroll 8
    for (int k = 0; k < block; ++k) {
      const float inverse = 1.0f / r[k][k];
      root[k] = inverse;
#pragma GCC unroll 8
      for (int i = k + 1; i < block; ++i) {
        minus[k][i] = -r[k][i] * inverse;
#pragma GCC unroll 8
        for (int j = i; j < block; ++j) r[i][j] += minus[k][i] * r[k][j];
        y[i] += minus[k][i] * y[k];
      }
    }
    for (int k = 0; k < block; ++k) {
      root[k] = __builtin_sqrtf(root[k]);
      y[k] *= root[k];
      minus_y[k] = -y[k];
    }

    // The widest vectors reach back into the block, which is therefore stored afterwards.
    for (i64 column = (row + block) / native_lanes * native_lanes; column < system.height; column += native_lanes) {
      float* top = system.matrix + row * stride + column;
      Native value[block];
      for (int i = 0; i < block; ++i) value[i] = *reinterpret_cast<const NativeUnaligned*>(top + i * stride);
      for (int k = 0; k < block; ++k)
        for (int i = k + 1; i < block; ++i) value[i] = native_fma(minus[k][i] - Native{}, value[k], value[i]);
      Native rest = *reinterpret_cast<const NativeUnaligned*>(system.right + column);
      for (int i = 0; i < block; ++i) {
        value[i] *= root[i] - Native{};
        rest = native_fma(minus_y[i] - Native{}, value[i], rest);
        *reinterpret_cast<NativeUnaligned*>(top + i * stride) = value[i];
      }
      *reinterpret_cast<NativeUnaligned*>(system.right + column) = rest;
    }
    for (int i = 0; i < block; ++i) {
      system.right[row + i] = y[i];
      for (int j = 0; j < block; ++j) corner[i * stride + j] = r[i][j] * root[i];
      corner[i * stride + i] = root[i];
    }
  }
}

// U x = y, from the last block to the first.
void substitute(const System& system) {
  const i64 stride = system.stride;
  float* x = system.solution;
  for (i64 j = 0; j < system.width; ++j) x[j] = 0;
  for (i64 row = system.height - block; row >= 0; row -= block) {
    const float* u = system.matrix + row * stride;
    float rest[block];
    for (int half = 0; half < block; half += 4) {
      Vec total[4] = {0.0f, 0.0f, 0.0f, 0.0f};  // from whole vectors on: what lies in this block is still zero
      for (i64 j = (row + block) / vector_lanes * vector_lanes; j < system.width; j += vector_lanes) {
        const Vec later = Vec::load(x + j);
        for (int i = 0; i < 4; ++i) total[i] = fma(Vec::load(u + (half + i) * stride + j), later, total[i]);
      }
      for (int i = 0; i < 4; ++i) rest[half + i] = system.right[row + half + i] - sum(total[i]);
    }
    for (int k = block - 1; k > 0; --k)
      for (int i = 0; i < k; ++i) rest[i] -= u[i * stride + row + k] * u[k * stride + row + k] * rest[k];
    for (int i = 0; i < block; ++i) x[row + i] = rest[i] * u[i * stride + row + i];
  }
}

// Adds sum_h w_h q_h q_h' and sum_h w_h q_h for the history in [begin, end).
void add_history(const LeastSquares& s, i64 begin, i64 end, const System& system) {
  const i64 dim = system.dim, stride = system.stride;
  for (i64 from = begin; from < end; from += panel_rows) {
    const i64 count = end - from < panel_rows ? end - from : panel_rows;
    for (i64 h = 0; h < count; ++h) {
      const float* source = s.others + i64{s.history[from + h]} * dim;
      float* row = system.panel + h * stride;
      const float root = s.weights == nullptr ? 1.0f : __builtin_sqrtf(s.weights[from + h]);
      for_lanes(dim, [&](i64 j, auto lanes) { (lanes.load(source + j) * Vec(root)).store(row + j); });
      row[system.width] = root;
    }
    for (i64 row = 0; row < system.height; row += block) add_block_row<false>(system.panel, count, row, system);
    i64 column = 0;
    const auto add = [&](auto vectors) {
      add_tile<1, vectors, false>(system.panel + system.width, system.panel + column, count, stride,
                                  system.right + column);
      column += vectors * native_lanes;
    };
    while (column + 8 * native_lanes <= system.width) add(Vectors<8>{});
    while (column < system.width) add(Vectors<native_parts>{});
  }
}

void solve_row(const LeastSquares& s, i64 row, const System& system) {
  const i64 dim = system.dim;
  for (i64 r = 0; r < dim; ++r) {
    float* to = system.matrix + r * system.stride;
    for (i64 j = r / vector_lanes * vector_lanes; j < dim; j += vector_lanes)
      Vec::load(s.gram + r * dim + j, dim - j).store(to + j);
    to[r] += s.ridge[row];
  }
  for (i64 j = 0; j < system.width; ++j) system.right[j] = 0;
  add_history(s, s.begin[row], s.begin[row + 1], system);
  factorize(system);
  substitute(system);
  double explained = 0;  // x'b = y'y
  for (i64 j = 0; j < dim; ++j) {
    s.out[row * dim + j] = system.solution[j];
    explained += static_cast<double>(system.right[j]) * static_cast<double>(system.right[j]);
  }
  s.explained[row] = explained;
}

}  // namespace

void least_squares(const LeastSquares& s) {
  const i64 height = round_up(s.dim, block), width = round_up(s.dim, vector_lanes);
  const i64 stride = width + vector_lanes;  // never a power of two: columns would meet in few lines of L1
  const double dim = static_cast<double>(s.dim), rows = static_cast<double>(s.rows > 0 ? s.rows : 1);
  const double history = static_cast<double>(s.begin[s.rows]) / rows;
  parallel_for(s.rows, rows_for(dim * dim * (history + dim / 3) / 64), [&](i64 begin, i64 end) {
    Scratch scratch;
    const System system{s.dim,
                        height,
                        width,
                        stride,
                        scratch.floats(height * stride),
                        scratch.floats(panel_rows * stride),
                        scratch.floats(width),
                        scratch.floats(width)};
    for (i64 row = s.dim; row < height; ++row) {  // rows of the identity: they change nothing and stay as they are
      for (i64 j = 0; j < stride; ++j) system.matrix[row * stride + j] = 0;
      system.matrix[row * stride + row] = 1;
    }
    for (i64 row = begin; row < end; ++row) solve_row(s, row, system);
  });
}

}  // namespace lw::LIKEWISE_LEVEL
