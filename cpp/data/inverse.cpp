#include "cpp/data/inverse.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "cpp/backend/dispatch.h"
#include "cpp/core/array.h"
#include "cpp/core/parallel.h"

namespace lw {
namespace {

constexpr i64 block = 256;       // columns swept at a time
constexpr i64 strip = 1024;      // rows of one product
constexpr i64 copied_rows = 64;  // rows of a task that only copies

// Minus the inverse of a small symmetric positive definite matrix [n, n], lower triangle given, both written, in
// float64. `first` is where it stands, for the error. Inner loops run along rows.
void small_negative_inverse(std::vector<double>& d, i64 n, i64 first) {
  // L L' = D, Cholesky, column by column.
  std::vector<double> column(static_cast<std::size_t>(n));
  for (i64 j = 0; j < n; ++j) {
    const double pivot = d[j * n + j];
    expect(pivot > 0, "inverse", "the matrix is not positive definite (pivot ", pivot, " in row ", first + j, ")");
    const double root = std::sqrt(pivot);
    d[j * n + j] = root;
    for (i64 i = j + 1; i < n; ++i) column[i] = d[i * n + j] /= root;
    for (i64 i = j + 1; i < n; ++i)
      for (i64 p = j + 1; p <= i; ++p) d[i * n + p] -= column[i] * column[p];
  }
  // L^-1: row i is (e_i - sum_{p < i} L_ip row_p) / L_ii.
  std::vector<double> inverse(static_cast<std::size_t>(n * n), 0.0);
  for (i64 i = 0; i < n; ++i) {
    double* row = inverse.data() + i * n;
    row[i] = 1;
    for (i64 p = 0; p < i; ++p)
      for (i64 j = 0; j <= p; ++j) row[j] -= d[i * n + p] * inverse[p * n + j];
    for (i64 j = 0; j <= i; ++j) row[j] /= d[i * n + i];
  }
  // -D^-1 = -sum_p row_p' row_p.
  std::fill(d.begin(), d.end(), 0.0);
  for (i64 p = 0; p < n; ++p)
    for (i64 i = 0; i <= p; ++i)
      for (i64 j = 0; j <= i; ++j) d[i * n + j] -= inverse[p * n + i] * inverse[p * n + j];
  for (i64 i = 0; i < n; ++i)
    for (i64 j = 0; j < i; ++j) d[j * n + i] = d[i * n + j];
}

// The columns [first, first + width) of the symmetric matrix whose lower triangle is given, [n, width].
void copy_columns(const float* matrix, i64 n, i64 first, i64 width, float* columns) {
  parallel_for(n, copied_rows, [&](i64 begin, i64 end) {
    for (i64 row = begin; row < end; ++row)
      for (i64 j = 0; j < width; ++j) {
        const i64 column = first + j;
        columns[row * width + j] = column <= row ? matrix[row * n + column] : matrix[column * n + row];
      }
  });
}

}  // namespace

// The symmetric sweep operator (Goodnight, 1979) by blocks: with W = A[:, K] and D = A[K, K],
//   A[i, j] -= W_i D^-1 W_j'    A[i, K] = W_i D^-1    A[K, K] = -D^-1
// and A is minus its inverse once all K are swept. D is a Schur complement, hence positive definite.
void negative_inverse(float* matrix, i64 n) {
  const KernelTable& kernel = kernels(Device::cpu);
  Array columns = empty({n, block}), rows = empty({block, n}), pivot = empty({block, block});
  std::vector<double> small;
  for (i64 first = 0; first < n; first += block) {
    const i64 width = std::min(block, n - first);
    float* w = columns.floats();
    copy_columns(matrix, n, first, width, w);
    small.assign(w + first * width, w + (first + width) * width);
    small_negative_inverse(small, width, first);
    std::copy(small.begin(), small.end(), pivot.floats());

    float* v = rows.floats();  // -D^-1 W', [width, n]
    kernel.gemm(
        {width, n, width, pivot.floats(), width, false, w, width, true, v, n, false, nullptr, Activation::linear});
    for (i64 top = 0; top < n; top += strip) {
      const i64 height = std::min(strip, n - top);
      kernel.gemm({height, top + height, width, w + top * width, width, false, v, n, false, matrix + top * n, n, true,
                   nullptr, Activation::linear});
    }
    parallel_for(n - first, copied_rows, [&](i64 begin, i64 end) {
      for (i64 row = first + begin; row < first + end; ++row) {
        if (row < first + width) {
          const i64 k = row - first;
          for (i64 column = 0; column < first; ++column) matrix[row * n + column] = -v[k * n + column];
          for (i64 j = 0; j <= k; ++j) matrix[row * n + first + j] = pivot.floats()[k * width + j];
        } else {
          for (i64 j = 0; j < width; ++j) matrix[row * n + first + j] = -v[j * n + row];
        }
      }
    });
  }
}

}  // namespace lw
