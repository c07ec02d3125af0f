#include "cpp/autograd/grad.h"

#include <cstring>

#include "cpp/backend/dispatch.h"
#include "cpp/core/check.h"

namespace lw {
namespace {

// out = a + b; out may be a
void add(const Array& a, const Array& b, const Array& out) {
  ElementwiseMap map{};
  map.function = Elementwise::add;
  map.rank = 1;
  map.shape[0] = out.count();
  map.input[0] = a.floats();
  map.input[1] = b.floats();
  map.out = out.floats();
  map.stride[0][0] = map.stride[1][0] = 1;
  kernels(out.device()).elementwise(map);
}

void scatter_into(Array& table, const RowSparse& sparse) {  // in the order of ids, so sums are reproducible
  const i64 n = sparse.ids.count(), dim = n == 0 ? 0 : sparse.rows.count() / n;
  const i64* ids = sparse.ids.data<i64>();
  const float* rows = sparse.rows.floats();
  for (i64 r = 0; r < n; ++r) {
    float* to = table.floats() + ids[r] * dim;
    for (i64 j = 0; j < dim; ++j) to[j] += rows[r * dim + j];
  }
}

Array joined(const Array& a, const Array& b) {
  Shape shape = a.shape();
  shape.set(0, a.dim(0) + b.dim(0));
  Array result = empty(shape, a.device(), a.dtype());
  std::memcpy(result.raw(), a.raw(), static_cast<std::size_t>(a.bytes()));
  std::memcpy(result.raw() + a.bytes(), b.raw(), static_cast<std::size_t>(b.bytes()));
  return result;
}

}  // namespace

void Grad::accumulate(Grad other) {
  if (other.none()) return;
  if (none()) {
    *this = std::move(other);
    return;
  }
  if (sparse() && other.sparse()) {
    const RowSparse &a = *sparse(), &b = *other.sparse();
    *this = RowSparse{joined(a.ids, b.ids), joined(a.rows, b.rows), a.table_shape};
    return;
  }
  if (dense() && other.dense()) {
    const Array sum = owned_ ? dense_ : empty(dense_.shape(), dense_.device());
    add(dense_, *other.dense(), sum);
    dense_ = sum;
    owned_ = true;
    return;
  }
  if (!owned_) {
    dense_ = dense() ? dense_.copy() : to_dense(other.dense()->shape());
    sparse_ = nullptr;
    owned_ = true;
  }
  if (other.dense())
    add(dense_, *other.dense(), dense_);
  else
    scatter_into(dense_, *other.sparse());
}

Array Grad::to_dense(const Shape& shape) const {
  if (dense()) return *dense();
  Array result = zeros(shape);
  if (sparse()) scatter_into(result, *sparse());
  return result;
}

}  // namespace lw
