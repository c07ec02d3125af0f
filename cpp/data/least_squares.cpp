#include "cpp/data/least_squares.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "cpp/backend/dispatch.h"
#include "cpp/core/check.h"

namespace lw {

Array scaled_gram(const Array& factors, float scale) {
  expect(factors.rank() == 2, "gram", "factors must have shape [rows, dim], got ", factors.shape());
  const i64 rows = factors.dim(0), dim = factors.dim(1);
  Array gram = zeros({dim, dim});
  kernels(Device::cpu)
      .gemm({.m = dim,
             .n = dim,
             .k = rows,
             .a = factors.floats(),
             .lda = dim,
             .transpose_a = true,
             .b = factors.floats(),
             .ldb = dim,
             .transpose_b = false,
             .c = gram.floats(),
             .ldc = dim,
             .accumulate = false,
             .bias = nullptr,
             .activation = Activation::linear});
  for (float* value = gram.floats(); value < gram.floats() + dim * dim; ++value) *value *= scale;
  return gram;
}

namespace {

LeastSquares systems_of(const Array& others, const Array& gram, const Array& begin, const Array& history,
                        const Array& weights, const Array& ridge, const Array& out, std::vector<double>& explained) {
  expect(others.rank() == 2 && out.rank() == 2 && out.dim(1) == others.dim(1), "least_squares",
         "both sides must have shape [rows, dim], got ", others.shape(), " and ", out.shape());
  const i64 rows = out.dim(0), dim = out.dim(1);
  expect(gram.shape() == Shape({dim, dim}), "least_squares", "gram must have shape ", Shape({dim, dim}), ", got ",
         gram.shape());
  expect(begin.count() == rows + 1 && ridge.count() == rows, "least_squares", "begin and ridge must have ", rows + 1,
         " and ", rows, " values, got ", begin.count(), " and ", ridge.count());
  const i64* cut = begin.data<i64>();
  expect(cut[0] == 0 && std::is_sorted(cut, cut + rows + 1) && cut[rows] == history.count(), "least_squares",
         "begin must ascend from 0 to the ", history.count(), " entries of history");
  expect(!weights || weights.count() == history.count(), "least_squares", "weights must have ", history.count(),
         " values, got ", weights ? weights.count() : 0);
  const i32* item = history.data<i32>();
  expect(std::all_of(item, item + history.count(), [&](i32 at) { return at >= 0 && at < others.dim(0); }),
         "least_squares", "history must name rows in 0..", others.dim(0) - 1);
  explained.resize(static_cast<std::size_t>(rows));
  return {.rows = rows,
          .dim = dim,
          .others = others.floats(),
          .gram = gram.floats(),
          .begin = cut,
          .history = item,
          .weights = floats_or_null(weights),
          .ridge = ridge.floats(),
          .out = out.floats(),
          .explained = explained.data()};
}

double total_of(const std::vector<double>& explained) {
  double total = 0;
  for (const double value : explained) total += value;
  expect(std::isfinite(total), "least_squares",
         "a system is not positive definite in float32: the regularisation is too small");
  return total;
}

}  // namespace

double solve_rows(const Array& others, const Array& gram, const Array& begin, const Array& history,
                  const Array& weights, const Array& ridge, const Array& out) {
  std::vector<double> explained;
  kernels(Device::cpu).least_squares(systems_of(others, gram, begin, history, weights, ridge, out, explained));
  return total_of(explained);
}

double improve_rows(const Array& others, const Array& gram, const Array& begin, const Array& history,
                    const Array& weights, const Array& ridge, const Array& out, i64 steps) {
  expect(steps >= 0, "least_squares", "steps must be >= 0, got ", steps);
  std::vector<double> explained;
  kernels(Device::cpu)
      .conjugate_gradient({systems_of(others, gram, begin, history, weights, ridge, out, explained), steps});
  return total_of(explained);
}

}  // namespace lw
