#include "cpp/ops/embedding.h"

#include <algorithm>
#include <optional>

#include "cpp/autograd/tape.h"
#include "cpp/backend/dispatch.h"
#include "cpp/ops/float32.h"

namespace lw {
namespace {

void expect_table(const char* operation, const Tensor& table) {
  expect(table.rank() == 2, operation, "table must have shape (rows, dim), got ", table.shape());
  expect_type(table.dtype() == DType::float32, operation, "table must be float32, got ", name_of(table.dtype()));
}

Array gather_rows(const Array& table, const Array& ids) {
  Array rows = empty({ids.count(), table.dim(1)}, table.device());
  kernels(table.device()).gather({ids.count(), table.dim(1), table.floats(), ids.data<i64>(), rows.floats()});
  return rows;
}

}  // namespace

Segments segments_of(const Array& ids, i64 limit) {
  const i64 n = ids.count();
  expect(limit < i64{1} << 32 && n < i64{1} << 32, "coalesce_rows", "at most 2^32 - 1 rows and ids are supported, got ",
         limit, " and ", n);
  Segments found{0, empty({n}, ids.device(), DType::int64), empty({n}, ids.device(), DType::int64),
                 empty({n + 1}, ids.device(), DType::int64)};
  kernels(ids.device())
      .sort_ids({n, limit, ids.data<i64>(), found.order.data<i64>(), found.unique.data<i64>(), found.starts.data<i64>(),
                 &found.count});
  return found;
}

Array checked_ids(const char* operation, const char* argument, const Array& ids, i64 rows) {
  expect_type(ids.dtype() == DType::int32 || ids.dtype() == DType::int64 || ids.dtype() == DType::uint8, operation,
              argument, " must be int32, int64 or uint8, got ", name_of(ids.dtype()));
  Array whole = as_int64(ids);
  if (whole.storage()->borrowed()) whole = whole.copy();  // nobody can change them after they were checked
  const i64 *begin = whole.data<i64>(), *end = begin + whole.count();
  const i64* wrong = std::find_if(begin, end, [rows](i64 id) { return id < 0 || id >= rows; });
  if (wrong == end) return whole;
  expect(rows > 0, operation, argument, " index a table of 0 rows, got ", *wrong);
  expect(false, operation, argument, " must be in 0..", rows - 1, ", got ", *wrong);
  return whole;
}

RowSparse coalesce_rows(const RowSparse& sparse) {
  const i64* ids = sparse.ids.data<i64>();
  const i64 n = sparse.ids.count(), dim = sparse.table_shape[1];
  if (std::adjacent_find(ids, ids + n, [](i64 a, i64 b) { return a >= b; }) == ids + n) return sparse;
  const Segments found = segments_of(sparse.ids, sparse.table_shape[0]);
  Array rows = empty({found.count, dim}, sparse.rows.device());
  kernels(rows.device())
      .sum_segments({found.count, dim, found.order.data<i64>(), found.starts.data<i64>(), sparse.rows.floats(), nullptr,
                     false, rows.floats()});
  return {found.unique.slice_rows(0, found.count), rows, sparse.table_shape};
}

namespace ops {

Tensor embedding(const Tensor& table, const Tensor& ids) {
  expect_table("embedding", table);
  const i64 dim = table.dim(1);
  const Array rows = checked_ids("embedding", "ids", ids.value(), table.dim(0));
  Shape shape = ids.shape();
  shape.push_back(dim);

  return record("embedding", gather_rows(table.value(), rows).reshape(shape), {&table},
                [rows = saved(rows), table_shape = table.shape()](const Array& dy, Wants) -> Grads {
                  const i64 n = rows.get().count();
                  return {RowSparse{rows.get().reshape({n}), dy.reshape({n, table_shape[1]}), table_shape}};
                });
}

}  // namespace ops

namespace {

// offsets [bags] and the number of ids -> [bags + 1]
Array bag_limits(const Array& offsets, i64 ids) {
  const Array starts = checked_ids("embedding_bag", "offsets", offsets, ids + 1);
  const i64 bags = starts.count();
  Array limits = empty({bags + 1}, offsets.device(), DType::int64);
  i64* limit = limits.data<i64>();
  std::copy_n(starts.data<i64>(), bags, limit);
  limit[bags] = ids;
  expect(bags > 0 || ids == 0, "embedding_bag", "offsets must name at least one bag for ", ids, " ids, got none");
  expect(limit[0] == 0, "embedding_bag", "offsets must start with 0, got ", limit[0]);
  const i64* falls = std::adjacent_find(limit, limit + bags + 1, [](i64 a, i64 b) { return a > b; });
  expect(falls == limit + bags + 1, "embedding_bag", "offsets must not fall, got ",
         falls == limit + bags + 1 ? 0 : falls[0], " before ", falls == limit + bags + 1 ? 0 : falls[1]);
  return limits;
}

// What each id counts: its weight, over the sum of its bag's weights for a mean; undefined if all count 1.
Array scales_of(const Array& limits, const Array& weights, i64 ids, ops::BagMode mode) {
  if (mode == ops::BagMode::sum) return weights;
  Array scales = empty({ids}, limits.device());
  const i64* limit = limits.data<i64>();
  for (i64 bag = 0; bag + 1 < limits.count(); ++bag) {
    double total = 0;
    for (i64 i = limit[bag]; i < limit[bag + 1]; ++i) total += weights ? weights.floats()[i] : 1.f;
    expect(limit[bag] == limit[bag + 1] || total != 0, "embedding_bag", "the weights of bag ", bag,
           " add up to 0, so it has no mean");
    for (i64 i = limit[bag]; i < limit[bag + 1]; ++i)
      scales.floats()[i] = static_cast<float>((weights ? weights.floats()[i] : 1.f) / total);
  }
  return scales;
}

Bags bags_of(const Array& limits, const Array& ids, const Array& scales, i64 dim) {
  return {limits.count() - 1, dim, limits.data<i64>(), ids.data<i64>(), floats_or_null(scales)};
}

// d/dw_i of the sum is x_i . dy; of the mean, sum_j s_j x_j with s = w / sum w, it is (x_i . dy - sum_j s_j x_j . dy) /
// sum w.
void turn_into_gradients_of_means(Array& dots, const Array& limits, const Array& scales, const Array& weights) {
  const i64* limit = limits.data<i64>();
  float* dot = dots.floats();
  for (i64 bag = 0; bag + 1 < limits.count(); ++bag) {
    double total = 0, mean = 0;
    for (i64 i = limit[bag]; i < limit[bag + 1]; ++i) {
      total += weights.floats()[i];
      mean += static_cast<double>(scales.floats()[i]) * dot[i];
    }
    for (i64 i = limit[bag]; i < limit[bag + 1]; ++i) dot[i] = static_cast<float>((dot[i] - mean) / total);
  }
}

}  // namespace

namespace ops {

Tensor embedding_bag(const Tensor& table, const Tensor& ids, const Tensor& offsets, BagMode mode,
                     const Tensor& any_weights) {
  expect_table("embedding_bag", table);
  expect(ids.rank() == 1, "embedding_bag", "ids must have one dimension, got shape ", ids.shape());
  expect(offsets.rank() == 1, "embedding_bag", "offsets must have one dimension, got shape ", offsets.shape());
  const bool weighted = any_weights.defined();
  expect(!weighted || any_weights.shape() == ids.shape(), "embedding_bag", "weights must have shape ", ids.shape(),
         ", got ", weighted ? any_weights.shape() : Shape{});
  const Tensor weights = weighted ? as_float32(any_weights) : Tensor();
  const i64 dim = table.dim(1), n = ids.count();
  const Array checked = checked_ids("embedding_bag", "ids", ids.value(), table.dim(0));
  const Array limits = bag_limits(offsets.value(), n);
  const Array scales = scales_of(limits, weights.value(), n, mode);
  Array y = empty({offsets.count(), dim}, table.device());
  kernels(table.device()).bag_sum({bags_of(limits, checked, scales, dim), table.value().floats(), y.floats()});

  return record("embedding_bag", y, {&table, &weights},
                [mode, limits, checked = saved(checked), scales = saved(scales), weights = saved(weights.value()),
                 table = saved(table.value())](const Array& dy, Wants wants) -> Grads {
                  const Shape shape = table.get().shape();
                  const i64 n = checked.get().count();
                  const Bags bags = bags_of(limits, checked, scales, shape[1]);
                  Grads grads(2);
                  if (wants[0]) {
                    Array rows = empty({n, shape[1]}, dy.device());
                    kernels(dy.device()).bag_spread({bags, dy.floats(), rows.floats()});
                    grads[0] = RowSparse{checked, rows, shape};
                  }
                  if (wants[1]) {
                    Array dots = empty({n}, dy.device());
                    kernels(dy.device()).bag_dot({bags, table.get().floats(), dy.floats(), dots.floats()});
                    if (mode == BagMode::mean) turn_into_gradients_of_means(dots, limits, scales, weights);
                    grads[1] = dots;
                  }
                  return grads;
                });
}

Tensor scatter_add(const Tensor& table, const Tensor& ids, const Tensor& any_rows) {
  expect_table("scatter_add", table);
  const Tensor rows = as_float32(any_rows);
  const Array checked = checked_ids("scatter_add", "ids", ids.value(), table.dim(0));
  Shape expected = ids.shape();
  expected.push_back(table.dim(1));
  expect(rows.shape() == expected, "scatter_add", "rows must have shape ", expected, ", got ", rows.shape());
  Array y = table.value().copy();
  const Segments found = segments_of(checked, table.dim(0));
  kernels(table.device())
      .sum_segments({found.count, table.dim(1), found.order.data<i64>(), found.starts.data<i64>(),
                     rows.value().floats(), found.unique.data<i64>(), true, y.floats()});

  return record("scatter_add", y, {&table, &rows},
                [checked = saved(checked), shape = expected](const Array& dy, Wants wants) -> Grads {
                  return {wants[0] ? dy : Array{}, wants[1] ? gather_rows(dy, checked).reshape(shape) : Array{}};
                });
}

}  // namespace ops
}  // namespace lw
