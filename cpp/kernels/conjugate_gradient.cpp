#include "cpp/core/arena.h"
#include "cpp/core/parallel.h"
#include "cpp/kernels/least_squares.h"
#include "cpp/kernels/simd.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

constexpr i64 panel_rows = 64;      // history rows read twice in a row, the second time from L1
constexpr int together = 4;         // history rows whose products are summed at once, and vectors of a sum of rows
constexpr float rounding = 1e-20f;  // of r r: nothing is left to improve

LIKEWISE_INLINE float dot(const float* a, const float* b, i64 dim) {
  Vec total(0.0f);
  for_lanes(dim, [&](i64 j, auto lanes) { total = fma(lanes.load(a + j), lanes.load(b + j), total); });
  return sum(total);
}

LIKEWISE_INLINE void add_scaled(float factor, const float* x, i64 dim, float* y) {
  for_lanes(dim,
            [&](i64 j, auto lanes) { lanes.store(y + j, fma(Vec(factor), lanes.load(x + j), lanes.load(y + j))); });
}

// out += sum_h factor[h] row_of(h); every element adds its terms in the order of h.
template <typename RowOf>
LIKEWISE_INLINE void add_rows(const RowOf& row_of, const float* factor, i64 count, i64 dim, float* out) {
  i64 column = 0;
  for (; column + together * vector_lanes <= dim; column += together * vector_lanes) {
    Vec total[together];
    for (int v = 0; v < together; ++v) total[v] = Vec::load(out + column + v * vector_lanes);
    for (i64 h = 0; h < count; ++h) {
      const float* row = row_of(h) + column;
      for (int v = 0; v < together; ++v) total[v] = fma(Vec(factor[h]), Vec::load(row + v * vector_lanes), total[v]);
    }
    for (int v = 0; v < together; ++v) total[v].store(out + column + v * vector_lanes);
  }
  for_lanes(dim - column, [&](i64 j, auto lanes) {
    Vec total = lanes.load(out + column + j);
    for (i64 h = 0; h < count; ++h) total = fma(Vec(factor[h]), lanes.load(row_of(h) + column + j), total);
    lanes.store(out + column + j, total);
  });
}

// out = goal b - A v; returns b v.
double residual(const LeastSquares& s, i64 row, float goal, const float* v, float* out) {
  const i64 dim = s.dim, end = s.begin[row + 1];
  for (i64 j = 0; j < dim; ++j) out[j] = s.ridge[row] * v[j];
  add_rows([&](i64 k) { return s.gram + k * dim; }, v, dim, dim, out);
  for (i64 j = 0; j < dim; ++j) out[j] = -out[j];

  double agreement = 0;
  for (i64 from = s.begin[row]; from < end; from += panel_rows) {
    const i64 count = end - from < panel_rows ? end - from : panel_rows;
    const auto vector = [&](i64 h) { return s.others + i64{s.history[from + h]} * dim; };
    float factor[panel_rows];
    for (i64 h = 0; h < count; h += together) {
      const float* q[together];
      for (int i = 0; i < together; ++i) q[i] = vector(h + i < count ? h + i : count - 1);
      Vec total[together] = {0.0f, 0.0f, 0.0f, 0.0f};
      for_lanes(dim, [&](i64 j, auto lanes) {
        const Vec value = lanes.load(v + j);
        for (int i = 0; i < together; ++i) total[i] = fma(lanes.load(q[i] + j), value, total[i]);
      });
      for (int i = 0; i < together && h + i < count; ++i) {
        const float weight = s.weights == nullptr ? 1.0f : s.weights[from + h + i];
        const float product = sum(total[i]);
        factor[h + i] = weight * (goal - product);
        agreement += static_cast<double>(weight) * static_cast<double>(product);
      }
    }
    add_rows(vector, factor, count, dim, out);
  }
  return agreement;
}

struct Vectors {
  float *rest, *direction, *image;  // r, d and -A d, [dim] each
};

void improve_row(const ConjugateGradient& s, i64 row, const Vectors& at) {
  const i64 dim = s.systems.dim;
  float* p = s.systems.out + row * dim;
  double explained = residual(s.systems, row, 1.0f, p, at.rest);
  explained += static_cast<double>(dot(p, at.rest, dim));
  for (i64 j = 0; j < dim; ++j) at.direction[j] = at.rest[j];
  float length = dot(at.rest, at.rest, dim);
  for (i64 step = 0; step < s.steps && !(length < rounding); ++step) {
    residual(s.systems, row, 0.0f, at.direction, at.image);
    const float curvature = -dot(at.direction, at.image, dim);
    const float along = curvature > 0 ? length / curvature : __builtin_nanf("");
    add_scaled(along, at.direction, dim, p);
    add_scaled(along, at.image, dim, at.rest);
    explained += static_cast<double>(along) * static_cast<double>(length);
    const float shorter = dot(at.rest, at.rest, dim), turn = shorter / length;
    for (i64 j = 0; j < dim; ++j) at.direction[j] = at.rest[j] + turn * at.direction[j];
    length = shorter;
  }
  s.systems.explained[row] = explained;
}

}  // namespace

void conjugate_gradient(const ConjugateGradient& s) {
  const i64 rows = s.systems.rows;
  const double dim = static_cast<double>(s.systems.dim);
  const double history = static_cast<double>(s.systems.begin[rows]) / static_cast<double>(rows > 0 ? rows : 1);
  const double passes = static_cast<double>(s.steps + 1);
  parallel_for(rows, rows_for(passes * dim * (2 * history + dim) / 32), [&](i64 begin, i64 end) {
    Scratch scratch;
    const Vectors at{scratch.floats(s.systems.dim), scratch.floats(s.systems.dim), scratch.floats(s.systems.dim)};
    for (i64 row = begin; row < end; ++row) improve_row(s, row, at);
  });
}

}  // namespace lw::LIKEWISE_LEVEL
