#include "cpp/ops/sampled_loss.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <numeric>

#include "cpp/autograd/tape.h"
#include "cpp/backend/dispatch.h"
#include "cpp/core/parallel.h"
#include "cpp/ops/elementwise.h"
#include "cpp/ops/embedding.h"
#include "cpp/ops/float32.h"
#include "cpp/ops/positions.h"
#include "cpp/ops/reduce.h"

namespace lw::ops {
namespace {

double total_loss(const Array& losses, const Array& coefficients) {
  return std::inner_product(losses.floats(), losses.floats() + losses.count(), coefficients.floats(), 0.0,
                            std::plus<>(), [](double loss, double share) { return loss * share; });
}

Array gathered(const Array& table, const Array& ids) {
  Array rows = empty({ids.count(), table.dim(1)}, table.device());
  kernels(table.device()).gather({ids.count(), table.dim(1), table.floats(), ids.data<i64>(), rows.floats()});
  return rows;
}

// The states of the positions that count [n, dim], and their gradient among zeros for the others.
Array states_of(const Array& states, const Positions& positions) {
  const Array rows = states.reshape({states.count() / states.dim(-1), states.dim(-1)});
  return positions.count == rows.dim(0) ? rows : gathered(rows, positions.state.slice_rows(0, positions.count));
}
Array among_zeros(const Array& dstates, const Positions& positions, const Shape& shape) {
  if (!dstates || dstates.count() == shape.count()) return dstates ? dstates.reshape(shape) : dstates;
  const i64 dim = dstates.dim(1);
  Array all = zeros(shape);
  for (i64 r = 0; r < positions.count; ++r)
    std::copy_n(dstates.floats() + r * dim, dim, all.floats() + positions.state.data<i64>()[r] * dim);
  return all;
}

// What is added to items' scores [items]: bias - log_q, or undefined.
Array offsets_of(const Array& bias, const Array& log_q) {
  if (!log_q) return bias;
  const Array lowered = elementwise(Elementwise::negate, {log_q}, log_q.shape());
  return bias ? elementwise(Elementwise::add, {bias, lowered}, bias.shape()) : lowered;
}

void expect_finite(const char* operation, const Array& log_q) {
  const float *begin = log_q.floats(), *end = begin + log_q.count();
  const float* wrong = std::find_if(begin, end, [](float value) { return !std::isfinite(value); });
  expect(wrong == end, operation, "log_q must be finite, got ", wrong == end ? 0.f : *wrong, " at ", wrong - begin);
}

// ---------------------------------------------------------------------------------------------------------------------
// Negatives that all positions share: the scores of some rows with all of them are a product, and so are the gradients.

struct Gradients {
  Array states;     // [n, dim]
  Array negatives;  // [m, dim]
  Array targets;    // [n] coefficients of the states in the gradients of the targets' rows
  Array offsets;    // [m]
};

struct Shared {
  SampledRule rule;
  Array states;        // [n, dim]
  Array table;         // [items, dim], or undefined: the targets are among the negatives, row r's is the r-th
  Array offsets;       // [items], or undefined
  Array rows;          // [m, dim] of the negatives
  Array row_offsets;   // [m], or undefined
  Array ids;           // [m]
  Array targets;       // [n]
  Array coefficients;  // [n]
};

// c (+)= a b of matrices [m, k] and [k, n] after the transpositions asked for, b with strides of its own columns.
struct Matrix {
  const float* values;
  i64 columns;
  bool transposed;
};
void multiply(const Matrix& a, const Matrix& b, i64 m, i64 n, i64 k, const float* bias, bool accumulate, float* c) {
  kernels(Device::cpu)
      .gemm({m, n, k, a.values, a.columns, a.transposed, b.values, b.columns, b.transposed, c, n, accumulate, bias,
             Activation::linear});
}

// Scores of so many rows at a time take a megabyte.
i64 rows_at_once(i64 negatives) { return std::clamp<i64>((i64{1} << 18) / std::max<i64>(negatives, 1), 64, 4096); }

// The losses of all rows [n]; fills in what is asked for by being there.
Array shared_losses(const Shared& s, Gradients& gradients) {
  const i64 n = s.states.dim(0), m = s.rows.dim(0), dim = s.states.dim(1), step = std::min(n, rows_at_once(m));
  Array losses = empty({n}), scores = empty({step, m}), target_gradients = gradients.targets;
  if (s.table && !target_gradients) target_gradients = empty({n});
  for (i64 first = 0; first < n; first += step) {
    const i64 rows = std::min(step, n - first);
    const float* h = s.states.floats() + first * dim;
    float* dh = gradients.states ? gradients.states.floats() + first * dim : nullptr;
    float* e = scores.floats();
    multiply({h, dim, false}, {s.rows.floats(), dim, true}, rows, m, dim, floats_or_null(s.row_offsets), false, e);
    kernels(Device::cpu)
        .shared_candidates({s.rule, rows, m, dim, first, h, floats_or_null(s.table), floats_or_null(s.offsets),
                            s.targets.data<i64>() + first, s.ids.data<i64>(), s.coefficients.floats() + first, e,
                            losses.floats() + first, s.table ? target_gradients.floats() + first : nullptr, dh});
    if (dh) multiply({e, m, false}, {s.rows.floats(), dim, false}, rows, dim, m, nullptr, bool(s.table), dh);
    if (gradients.negatives)
      multiply({e, m, true}, {h, dim, false}, m, dim, rows, nullptr, first > 0, gradients.negatives.floats());
    if (gradients.offsets) {
      const Array part = sum_rows(scores.slice_rows(0, rows));
      gradients.offsets = first == 0 ? part : elementwise(Elementwise::add, {gradients.offsets, part}, {m});
    }
  }
  return losses;
}

// ids [a + b]
Array joined_ids(const Array& a, const Array& b) {
  Array all = empty({a.count() + b.count()}, a.device(), DType::int64);
  std::copy_n(b.data<i64>(), b.count(), std::copy_n(a.data<i64>(), a.count(), all.data<i64>()));
  return all;
}

// Of `rows` [m + n, dim] the last ones become those of targets, g_r h_r.
void fill_target_rows(const Array& rows, const Array& targets, const Array& states) {
  const i64 n = states.dim(0), m = rows.dim(0) - n;
  const Array of_targets = elementwise(Elementwise::multiply, {states, targets.reshape({n, 1})}, states.shape());
  std::copy_n(of_targets.floats(), of_targets.count(), rows.slice_rows(m, m + n).floats());
}

// From a row for each id: dense once there are more ids than rows of the table.
Grad table_gradient(const Array& ids, const Array& rows, const Shape& shape) {
  const i64 dim = shape[1];
  if (ids.count() <= shape[0]) return RowSparse{ids, rows, shape};
  Array all = zeros(shape);
  const Segments found = segments_of(ids, shape[0]);
  kernels(all.device())
      .sum_segments({found.count, dim, found.order.data<i64>(), found.starts.data<i64>(), rows.floats(),
                     found.unique.data<i64>(), true, all.floats()});
  return all;
}

Array bias_gradient(const Array& ids, const Array& gradients, const Array& of_targets, i64 items) {
  Array dbias = zeros({items});
  const i64 *id = ids.data<i64>(), m = gradients.count();
  for (i64 i = 0; i < ids.count(); ++i)
    dbias.floats()[id[i]] += i < m ? gradients.floats()[i] : of_targets.floats()[i - m];
  return dbias;
}

// ---------------------------------------------------------------------------------------------------------------------
// Negatives of each position's own.

// Each row's target, then its negatives [n, 1 + m], of `negatives` [positions, m].
template <typename Id>
Array candidate_ids(const char* operation, const Id* negatives, i64 m, const Positions& positions, i64 items) {
  const i64 n = positions.count;
  Array ids = empty({n, 1 + m}, Device::cpu, DType::int64);
  std::atomic<bool> valid = true;
  parallel_for(n, rows_for(10 + static_cast<double>(m)), [&](i64 begin, i64 end) {
    bool all = true;
    for (i64 r = begin; r < end; ++r) {
      const Id* from = negatives + positions.state.data<i64>()[r] * m;
      i64* to = ids.data<i64>() + r * (1 + m);
      *to++ = positions.target.data<i64>()[r];
      for (i64 j = 0; j < m; ++j) {
        to[j] = from[j];
        all &= to[j] >= 0 && to[j] < items;
      }
    }
    if (!all) valid = false;
  });
  if (valid) return ids;
  const i64* wrong =
      std::find_if(ids.data<i64>(), ids.data<i64>() + ids.count(), [&](i64 id) { return id < 0 || id >= items; });
  expect(false, operation, "negatives must be in 0..", items - 1, ", got ", *wrong);
  return ids;
}

Array candidate_ids(const char* operation, const Array& negatives, const Positions& positions, i64 items) {
  const i64 m = negatives.dim(-1);
  if (negatives.dtype() == DType::int64) return candidate_ids(operation, negatives.data<i64>(), m, positions, items);
  if (negatives.dtype() == DType::int32) return candidate_ids(operation, negatives.data<i32>(), m, positions, items);
  return candidate_ids(operation, negatives.data<u8>(), m, positions, items);
}

// Is the gradient of the table made while scores are? Then it is dense, and there are up to eight copies.
bool table_at_once(const OwnCandidates& problem) {
  constexpr i64 most_floats = i64{16} << 20;
  return problem.rows * problem.candidates > problem.items && 8 * problem.items * problem.dim <= most_floats;
}

// From coefficients [n, 1 + m]: row-sparse, or dense once there are more ids than rows.
Grad own_table_gradient(const Segments& found, i64 candidates, const Array& coefficients, const Array& states,
                        const Shape& shape) {
  const bool dense = coefficients.count() > shape[0];
  Array rows = dense ? zeros(shape) : empty({found.count, shape[1]});
  kernels(rows.device())
      .sum_scaled_rows({found.count, shape[1], candidates, found.order.data<i64>(), found.starts.data<i64>(),
                        coefficients.floats(), states.floats(), dense ? found.unique.data<i64>() : nullptr,
                        rows.floats()});
  if (dense) return rows;
  return RowSparse{found.unique.slice_rows(0, found.count), rows, shape};
}

Array own_bias_gradient(const Segments& found, const Array& coefficients, i64 items) {
  Array dbias = zeros({items});
  const i64 *order = found.order.data<i64>(), *starts = found.starts.data<i64>(), *unique = found.unique.data<i64>();
  const double length = static_cast<double>(coefficients.count()) / static_cast<double>(std::max<i64>(found.count, 1));
  parallel_for(found.count, rows_for(5 + 2 * length), [&](i64 begin, i64 end) {
    for (i64 s = begin; s < end; ++s) {
      float total = 0;
      for (i64 i = starts[s]; i < starts[s + 1]; ++i) total += coefficients.floats()[order[i]];
      dbias.floats()[unique[s]] = total;
    }
  });
  return dbias;
}

// ---------------------------------------------------------------------------------------------------------------------

struct Arguments {
  const char* operation;
  Tensor states, table, bias;
  Array log_q, negatives;
  Positions positions;
};

Tensor with_shared(const Arguments& given, const SampledRule& rule) {
  const Tensor &states = given.states, &table = given.table, &bias = given.bias;
  const Positions& positions = given.positions;
  const i64 n = positions.count, items = table.dim(0), dim = table.dim(1);
  const Array ids = checked_ids(given.operation, "negatives", given.negatives, items);
  const Array offsets = offsets_of(bias.value(), given.log_q);
  const Array row_offsets = offsets ? gathered(offsets.reshape({items, 1}), ids).reshape({ids.count()}) : Array{};
  const Array rows = states_of(states.value(), positions);
  const Shared problem{rule,
                       rows,
                       table.value(),
                       offsets,
                       gathered(table.value(), ids),
                       row_offsets,
                       ids,
                       positions.target.slice_rows(0, n),
                       positions.coefficient.slice_rows(0, n)};
  Gradients gradients;
  Array dtable;  // [m + n, dim]: the rows of negatives, then those of targets
  if (wants_grad({&states, &table, &bias})) {
    if (states.requires_grad()) gradients.states = empty({n, dim});
    if (table.requires_grad()) {
      dtable = empty({ids.count() + n, dim});
      gradients.negatives = dtable.slice_rows(0, ids.count());
    }
    if (bias.requires_grad()) gradients.offsets = zeros({ids.count()});
    gradients.targets = empty({n});
  }
  const Array losses = shared_losses(problem, gradients);
  if (dtable && n == 0) std::fill_n(dtable.floats(), dtable.count(), 0.f);
  if (dtable) fill_target_rows(dtable, gradients.targets, rows);
  const Array y = full({}, static_cast<float>(total_loss(losses, problem.coefficients)));
  return record(given.operation, y, {&states, &table, &bias},
                [gradients, dtable, positions, ids = joined_ids(ids, problem.targets), shape = states.shape(),
                 table_shape = table.shape()](const Array& dy, Wants wants) -> Grads {
                  const float factor = *dy.floats();
                  Grads grads(3);
                  if (wants[0]) grads[0] = among_zeros(scaled(gradients.states, factor), positions, shape);
                  if (wants[1]) grads[1] = table_gradient(ids, scaled(dtable, factor), table_shape);
                  if (wants[2])
                    grads[2] = bias_gradient(ids, scaled(gradients.offsets, factor), scaled(gradients.targets, factor),
                                             table_shape[0]);
                  return grads;
                });
}

Tensor with_own(const Arguments& given, const SampledRule& rule) {
  const Tensor &states = given.states, &table = given.table, &bias = given.bias;
  const Positions& positions = given.positions;
  const i64 n = positions.count, items = table.dim(0), dim = table.dim(1);
  const Array ids = candidate_ids(given.operation, given.negatives, positions, items);
  const Array rows = states_of(states.value(), positions), offsets = offsets_of(bias.value(), given.log_q);
  const Array losses = empty({n}), coefficients = empty({n, ids.dim(1)});
  OwnCandidates problem{};
  problem.rule = rule;
  problem.rows = n;
  problem.candidates = ids.dim(1);
  problem.dim = dim;
  problem.items = items;
  problem.states = rows.floats();
  problem.table = table.value().floats();
  problem.offsets = floats_or_null(offsets);
  problem.ids = ids.data<i64>();
  problem.coefficients = positions.coefficient.floats();
  problem.gradients = coefficients.floats();
  problem.losses = losses.floats();
  const bool recorded = wants_grad({&states, &table, &bias});
  const bool at_once = recorded && table.requires_grad() && table_at_once(problem);
  const Array dstates = recorded && states.requires_grad() ? empty({n, dim}) : Array{};
  const Array dtable = at_once ? empty(table.shape()) : Array{};
  const Array dbias = at_once && bias.requires_grad() ? empty(bias.shape()) : Array{};
  problem.dstates = floats_or_null(dstates);
  problem.dtable = floats_or_null(dtable);
  problem.dbias = floats_or_null(dbias);
  kernels(states.device()).own_candidates(problem);
  const Array y = full({}, static_cast<float>(total_loss(losses, positions.coefficient)));

  if (at_once)
    return record(given.operation, y, {&states, &table, &bias},
                  [dstates, dtable, dbias, positions, shape = states.shape()](const Array& dy, Wants) -> Grads {
                    const float factor = *dy.floats();
                    return {among_zeros(scaled(dstates, factor), positions, shape), scaled(dtable, factor),
                            scaled(dbias, factor)};
                  });
  return record(given.operation, y, {&states, &table, &bias},
                [dstates, ids, coefficients, positions, rows = saved(rows), shape = states.shape(),
                 table_shape = table.shape()](const Array& dy, Wants wants) -> Grads {
                  const float factor = *dy.floats();
                  const Array by = scaled(coefficients, factor);
                  Grads grads(3);
                  if (wants[0]) grads[0] = among_zeros(scaled(dstates, factor), positions, shape);
                  if (!wants[1] && !wants[2]) return grads;
                  const Segments found = segments_of(ids, table_shape[0]);
                  if (wants[1]) grads[1] = own_table_gradient(found, ids.dim(1), by, rows, table_shape);
                  if (wants[2]) grads[2] = own_bias_gradient(found, by, table_shape[0]);
                  return grads;
                });
}

Tensor sampled_loss(const char* operation, const SampledRule& rule, const Tensor& any_states, const Tensor& table,
                    const Tensor& targets, const Tensor& negatives, const Tensor& any_bias, const Tensor& any_log_q,
                    const Tensor& any_weights, std::optional<i64> ignored) {
  const auto as_float = [](const Tensor& x) { return x.defined() ? as_float32(x) : Tensor(); };
  const Tensor states = as_float(any_states), bias = as_float(any_bias), log_q = as_float(any_log_q),
               weights = as_float(any_weights);
  expect_positions(operation, {states.value(), table.value(), targets.value(), bias.value(), weights.value()});
  expect_type(
      negatives.dtype() == DType::int32 || negatives.dtype() == DType::int64 || negatives.dtype() == DType::uint8,
      operation, "negatives must be int32, int64 or uint8, got ", name_of(negatives.dtype()));
  const bool shared = negatives.rank() == 1 && targets.rank() > 0;
  const bool own = negatives.rank() == targets.rank() + 1 &&
                   Shape(negatives.shape().begin(), static_cast<std::size_t>(targets.rank())) == targets.shape();
  expect(shared || own, operation, "negatives must have shape (m,), or that of targets, ", targets.shape(),
         ", and one more, got ", negatives.shape());
  expect(!log_q.defined() || log_q.shape() == Shape{table.dim(0)}, operation, "log_q must have shape ",
         Shape{table.dim(0)}, ", got ", log_q.defined() ? log_q.shape() : Shape{});
  if (log_q.defined()) expect_finite(operation, log_q.value());
  const Arguments given{operation,
                        states,
                        table,
                        bias,
                        log_q.value(),
                        negatives.value(),
                        positions_of(operation, targets.value(), weights.value(), ignored, table.dim(0))};
  return shared ? with_shared(given, rule) : with_own(given, rule);
}

}  // namespace

Tensor sampled_softmax_loss(const Tensor& states, const Tensor& table, const Tensor& targets, const Tensor& negatives,
                            const Tensor& bias, const Tensor& log_q, const Tensor& weights,
                            std::optional<i64> ignored) {
  return sampled_loss("sampled_softmax_loss", {.kind = SampledKind::softmax, .beta = 0, .regularization = 0, .elu = 0},
                      states, table, targets, negatives, bias, log_q, weights, ignored);
}

Tensor gbce_loss(const Tensor& states, const Tensor& table, const Tensor& targets, const Tensor& negatives,
                 const Tensor& bias, float beta, const Tensor& weights, std::optional<i64> ignored) {
  expect(beta >= 0 && std::isfinite(beta), "gbce_loss", "beta must be finite and not negative, got ", beta);
  return sampled_loss("gbce_loss", {.kind = SampledKind::logistic, .beta = beta, .regularization = 0, .elu = 0}, states,
                      table, targets, negatives, bias, Tensor(), weights, ignored);
}

Tensor bpr_max_loss(const Tensor& states, const Tensor& table, const Tensor& targets, const Tensor& negatives,
                    const Tensor& bias, float regularization, std::optional<float> elu_alpha, const Tensor& weights,
                    std::optional<i64> ignored) {
  expect(regularization >= 0 && std::isfinite(regularization), "bpr_max_loss",
         "regularization must be finite and not negative, got ", regularization);
  expect(!elu_alpha || (*elu_alpha > 0 && std::isfinite(*elu_alpha)), "bpr_max_loss",
         "elu_alpha must be finite and positive, got ", elu_alpha.value_or(0));
  const SampledRule rule{
      .kind = SampledKind::bpr_max, .beta = 0, .regularization = regularization, .elu = elu_alpha.value_or(0)};
  return sampled_loss("bpr_max_loss", rule, states, table, targets, negatives, bias, Tensor(), weights, ignored);
}

Tensor in_batch_softmax_loss(const Tensor& any_queries, const Tensor& any_items, const Tensor& any_ids,
                             const Tensor& any_log_q) {
  constexpr const char* operation = "in_batch_softmax_loss";
  const Tensor queries = as_float32(any_queries), items = as_float32(any_items);
  expect(queries.rank() == 2 && items.shape() == queries.shape(), operation,
         "queries and items must have the same shape (n, dim), got ", queries.shape(), " and ", items.shape());
  const i64 n = queries.dim(0);
  expect(!any_ids.defined() || any_ids.shape() == Shape{n}, operation, "ids must have shape ", Shape{n}, ", got ",
         any_ids.defined() ? any_ids.shape() : Shape{});
  expect(!any_log_q.defined() || any_log_q.shape() == Shape{n}, operation, "log_q must have shape ", Shape{n}, ", got ",
         any_log_q.defined() ? any_log_q.shape() : Shape{});
  Array ids;
  if (any_ids.defined()) {
    const DType dtype = any_ids.dtype();
    expect_type(dtype == DType::int32 || dtype == DType::int64 || dtype == DType::uint8, operation,
                "ids must be int32, int64 or uint8, got ", name_of(dtype));
    ids = as_int64(any_ids.value());
  } else {
    ids = empty({n}, Device::cpu, DType::int64);
    std::iota(ids.data<i64>(), ids.data<i64>() + n, i64{0});
  }
  Array offsets;
  if (any_log_q.defined()) {
    const Tensor log_q = as_float32(any_log_q);
    expect_finite(operation, log_q.value());
    offsets = offsets_of(Array{}, log_q.value());
  }
  const SampledRule rule{.kind = SampledKind::softmax, .beta = 0, .regularization = 0, .elu = 0};
  const Array shares = full({n}, 1.f / static_cast<float>(std::max<i64>(n, 1)));
  const Shared problem{rule, queries.value(), {}, {}, items.value(), offsets, ids, ids, shares};
  Gradients gradients;
  if (wants_grad({&queries, &items})) {
    if (queries.requires_grad()) gradients.states = empty(queries.shape());
    if (items.requires_grad()) gradients.negatives = zeros(items.shape());
  }
  const Array losses = shared_losses(problem, gradients);
  const Array y = full({}, static_cast<float>(total_loss(losses, shares)));
  return record(operation, y, {&queries, &items}, [gradients](const Array& dy, Wants) -> Grads {
    return {scaled(gradients.states, *dy.floats()), scaled(gradients.negatives, *dy.floats())};
  });
}

}  // namespace lw::ops
