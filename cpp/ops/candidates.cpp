#include "cpp/autograd/tape.h"
#include "cpp/backend/dispatch.h"
#include "cpp/ops/embedding.h"
#include "cpp/ops/float32.h"

namespace lw::ops {
namespace {

// Position b has the candidates ids[b * count] to ids[(b + 1) * count - 1].
Array limits_of(i64 positions, i64 count) {
  Array limits = empty({positions + 1}, Device::cpu, DType::int64);
  for (i64 b = 0; b <= positions; ++b) limits.data<i64>()[b] = b * count;
  return limits;
}

// The gradient of the table: row-sparse, or dense once there are more ids than rows.
Grad rows_gradient(const Array& ids, i64 group, const Array& dscores, const Array& from, const Shape& table_shape) {
  const i64 n = ids.count(), dim = table_shape[1];
  const Segments found = segments_of(ids, table_shape[0]);
  const bool dense = n > table_shape[0];
  Array rows = dense ? zeros(table_shape) : empty({found.count, dim});
  kernels(rows.device())
      .sum_scaled_rows({found.count, dim, group, found.order.data<i64>(), found.starts.data<i64>(), dscores.floats(),
                        from.floats(), dense ? found.unique.data<i64>() : nullptr, rows.floats()});
  if (dense) return rows;
  return RowSparse{found.unique.slice_rows(0, found.count), rows, table_shape};
}

Array bias_gradient(const Array& ids, const Array& dscores, i64 rows) {
  Array dbias = zeros({rows});
  const i64* id = ids.data<i64>();
  const float* from = dscores.floats();
  float* to = dbias.floats();
  for (i64 i = 0; i < ids.count(); ++i) to[id[i]] += from[i];
  return dbias;
}

}  // namespace

Tensor candidate_scores(const Tensor& any_states, const Tensor& table, const Tensor& ids, const Tensor& any_bias) {
  const Tensor states = as_float32(any_states);
  expect(table.rank() == 2 && table.dim(1) > 0, "candidate_scores", "table must have shape (rows, dim), got ",
         table.shape());
  expect_type(table.dtype() == DType::float32, "candidate_scores", "table must be float32, got ",
              name_of(table.dtype()));
  expect(states.rank() >= 1 && states.dim(-1) == table.dim(1), "candidate_scores", "table has dim ", table.dim(1),
         ", states have shape ", states.shape());
  const Shape leading(states.shape().begin(), static_cast<std::size_t>(states.rank() - 1));
  const bool fits =
      ids.rank() == states.rank() && Shape(ids.shape().begin(), static_cast<std::size_t>(ids.rank() - 1)) == leading;
  expect(fits, "candidate_scores", "ids must have shape ", leading, " and one more, got ", ids.shape());
  const Tensor bias = any_bias.defined() ? as_float32(any_bias) : Tensor();
  expect(!bias.defined() || bias.shape() == Shape{table.dim(0)}, "candidate_scores", "bias must have shape ",
         Shape{table.dim(0)}, ", got ", bias.defined() ? bias.shape() : Shape{});
  const i64 dim = table.dim(1), count = ids.dim(-1), positions = states.count() / dim;
  const Array checked = checked_ids("candidate_scores", "ids", ids.value(), table.dim(0));
  const Array limits = limits_of(positions, count);
  Array y = empty(ids.shape(), states.device());
  kernels(states.device())
      .bag_dot({{positions, dim, limits.data<i64>(), checked.data<i64>(), nullptr},
                table.value().floats(),
                states.value().floats(),
                y.floats()});
  if (bias.defined())
    for (i64 i = 0; i < y.count(); ++i) y.floats()[i] += bias.value().floats()[checked.data<i64>()[i]];

  return record(
      "candidate_scores", y, {&states, &table, &bias},
      [limits, count, checked = saved(checked), states = saved(states.value()), table = saved(table.value())](
          const Array& dy, Wants wants) -> Grads {
        const Shape shape = table.get().shape();
        Grads grads(3);
        if (wants[0]) {
          Array dstates = empty(states.get().shape());
          kernels(dy.device())
              .bag_sum({{limits.count() - 1, shape[1], limits.data<i64>(), checked.get().data<i64>(), dy.floats()},
                        table.get().floats(),
                        dstates.floats()});
          grads[0] = dstates;
        }
        if (wants[1] && count > 0) grads[1] = rows_gradient(checked, count, dy, states, shape);
        if (wants[1] && count == 0) grads[1] = zeros(shape);
        if (wants[2]) grads[2] = bias_gradient(checked, dy, shape[0]);
        return grads;
      });
}

}  // namespace lw::ops
