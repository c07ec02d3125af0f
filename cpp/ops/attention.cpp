#include "cpp/ops/attention.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "cpp/autograd/tape.h"
#include "cpp/backend/dispatch.h"
#include "cpp/kernels/attention.h"
#include "cpp/ops/float32.h"

namespace lw::ops {
namespace {

// What a kernel's shape points to.
struct Plan {
  std::vector<i64> offsets, key_offsets, lengths, key_lengths;
  Array key_counts;
  bool whole;  // every row counts

  void apply(AttentionShape& shape) const {
    shape.query_offsets = offsets.data();
    shape.key_offsets = key_offsets.data();
    shape.query_lengths = lengths.empty() ? nullptr : lengths.data();
    shape.key_lengths = key_lengths.empty() ? nullptr : key_lengths.data();
    shape.key_counts = key_counts ? key_counts.data<bool>() : nullptr;
  }
};

std::vector<i64> integers(const char* argument, const Tensor& given, i64 count) {
  expect(given.shape() == Shape{count}, "attention", argument, " must have shape ", Shape{count}, ", got ",
         given.shape());
  expect_type(given.dtype() != DType::float32 && given.dtype() != DType::boolean, "attention", argument,
              " must be integers, got ", name_of(given.dtype()));
  const Array values = as_int64(given.value());
  return {values.data<i64>(), values.data<i64>() + count};
}

std::vector<i64> packed_offsets(const char* argument, const Tensor& given, i64 rows) {
  expect(given.rank() == 1 && given.dim(0) >= 1, "attention", argument, " must have shape (sequences + 1), got ",
         given.shape());
  const std::vector<i64> offsets = integers(argument, given, given.dim(0));
  expect(offsets.front() == 0 && offsets.back() == rows, "attention", argument, " must go from 0 to the ", rows,
         " rows, got ", offsets.front(), " to ", offsets.back());
  const auto falls = std::adjacent_find(offsets.begin(), offsets.end(), [](i64 a, i64 b) { return a > b; });
  expect(falls == offsets.end(), "attention", argument, " must not fall, got ", falls == offsets.end() ? 0 : falls[0],
         " before ", falls == offsets.end() ? 0 : falls[1]);
  return offsets;
}

std::vector<i64> padded_offsets(i64 batch, i64 steps) {
  std::vector<i64> offsets;
  for (i64 s = 0; s <= batch; ++s) offsets.push_back(s * steps);
  return offsets;
}

std::vector<i64> padded_lengths(const char* argument, const Tensor& given, i64 batch, i64 steps) {
  if (!given.defined()) return {};
  const std::vector<i64> lengths = integers(argument, given, batch);
  for (i64 length : lengths)
    expect(length >= 0 && length <= steps, "attention", argument, " must lie in 0 to ", steps, ", got ", length);
  return lengths;
}

Plan plan_of(const Tensor& q, const Tensor& k, const AttentionRows& rows) {
  Plan plan;
  if (q.rank() == 2) {
    expect(rows.offsets.defined(), "attention", "packed rows need offsets; padded ones have shape (batch, steps, dim)");
    expect(!rows.lengths.defined() && !rows.key_lengths.defined(), "attention",
           "lengths are for padded sequences; packed ones have offsets");
    plan.offsets = packed_offsets("offsets", rows.offsets, q.dim(0));
    const bool own = rows.key_offsets.defined();
    plan.key_offsets = packed_offsets(own ? "key_offsets" : "offsets", own ? rows.key_offsets : rows.offsets, k.dim(0));
    expect(plan.offsets.size() == plan.key_offsets.size(), "attention", "offsets name ", plan.offsets.size() - 1,
           " sequences, key_offsets ", plan.key_offsets.size() - 1);
  } else {
    expect(!rows.offsets.defined() && !rows.key_offsets.defined(), "attention",
           "offsets are for packed sequences (rows, dim); padded ones have lengths");
    plan.offsets = padded_offsets(q.dim(0), q.dim(1));
    plan.key_offsets = padded_offsets(k.dim(0), k.dim(1));
    plan.lengths = padded_lengths("lengths", rows.lengths, q.dim(0), q.dim(1));
    const bool own = rows.key_lengths.defined();
    plan.key_lengths =
        padded_lengths(own ? "key_lengths" : "lengths", own ? rows.key_lengths : rows.lengths, k.dim(0), k.dim(1));
  }
  if (rows.key_mask.defined()) {
    const Shape expected(k.shape().begin(), static_cast<std::size_t>(k.rank() - 1));
    expect(rows.key_mask.shape() == expected, "attention", "key_mask must have shape ", expected, ", got ",
           rows.key_mask.shape());
    expect_type(rows.key_mask.dtype() == DType::boolean, "attention", "key_mask must be of bool, got ",
                name_of(rows.key_mask.dtype()));
    plan.key_counts =
        rows.key_mask.value().storage()->borrowed() ? rows.key_mask.value().copy() : rows.key_mask.value();
  }
  plan.whole = plan.lengths.empty() && plan.key_lengths.empty();
  return plan;
}

}  // namespace

Tensor attention(const Tensor& any_q, const Tensor& any_k, const Tensor& any_v, const AttentionRows& rows,
                 const AttentionOptions& options) {
  const Tensor q = as_float32(any_q), k = as_float32(any_k), v = as_float32(any_v);
  expect(q.rank() == 2 || q.rank() == 3, "attention", "query must have shape (batch, steps, dim) or (rows, dim), got ",
         q.shape());
  expect(k.rank() == q.rank() && v.rank() == q.rank(), "attention", "query has shape ", q.shape(), ", key ", k.shape(),
         ", value ", v.shape(), ": they must be of the same rank");
  const i64 heads = options.heads, dim = q.dim(-1), value_dim = v.dim(-1);
  expect(heads >= 1, "attention", "num_heads must be 1 or more, got ", heads);
  expect(dim > 0 && dim % heads == 0 && value_dim > 0 && value_dim % heads == 0, "attention", "num_heads ", heads,
         " must divide the columns of query and value, got ", dim, " and ", value_dim);
  expect(k.dim(-1) == dim, "attention", "query has ", dim, " columns, key has ", k.dim(-1));
  const Shape key_rows(k.shape().begin(), static_cast<std::size_t>(k.rank() - 1));
  const Shape value_rows(v.shape().begin(), static_cast<std::size_t>(v.rank() - 1));
  expect(key_rows == value_rows, "attention", "key has rows ", key_rows, ", value ", value_rows);
  expect(q.rank() == 2 || q.dim(0) == k.dim(0), "attention", "query has a batch of ", q.dim(0), ", key of ", k.dim(0));
  expect(options.dropout >= 0 && options.dropout < 1, "attention", "dropout must lie in [0, 1), got ", options.dropout);
  expect(!options.scale || std::isfinite(*options.scale), "attention", "scale must be finite, got ",
         options.scale ? *options.scale : 0.f);

  auto plan = std::make_shared<const Plan>(plan_of(q, k, rows));
  AttentionShape shape{};
  shape.sequences = static_cast<i64>(plan->offsets.size()) - 1;
  shape.heads = heads;
  shape.head_dim = dim / heads;
  shape.value_dim = value_dim / heads;
  shape.causal = options.causal;
  shape.scale = options.scale ? *options.scale : 1.f / std::sqrt(static_cast<float>(shape.head_dim));
  shape.dropout = options.dropout;
  shape.key = options.key;
  shape.query_stride = shape.key_stride = dim;
  shape.value_stride = shape.output_stride = value_dim;
  plan->apply(shape);
  Shape out(q.shape().begin(), static_cast<std::size_t>(q.rank() - 1));
  out.push_back(value_dim);
  const Array y = plan->whole ? empty(out, q.device()) : zeros(out, q.device());
  const i64 query_rows = q.count() / dim;
  const Array log_sum_exp = empty({query_rows, heads}, q.device());
  kernels(q.device())
      .attention_forward({.shape = shape,
                          .q = q.value().floats(),
                          .k = k.value().floats(),
                          .v = v.value().floats(),
                          .y = const_cast<float*>(y.floats()),
                          .log_sum_exp = const_cast<float*>(log_sum_exp.floats())});

  return record("attention", y, {&q, &k, &v},
                [shape, plan, log_sum_exp, q = saved(q.value()), k = saved(k.value()), v = saved(v.value()),
                 y = saved(y)](const Array& dy, Wants) -> Grads {
                  AttentionShape again = shape;
                  plan->apply(again);
                  Array dq = zeros(q.get().shape()), dk = zeros(k.get().shape()), dv = zeros(v.get().shape());
                  kernels(dy.device())
                      .attention_backward({.shape = again,
                                           .q = q.get().floats(),
                                           .k = k.get().floats(),
                                           .v = v.get().floats(),
                                           .y = y.get().floats(),
                                           .log_sum_exp = log_sum_exp.floats(),
                                           .dy = dy.floats(),
                                           .dq = dq.floats(),
                                           .dk = dk.floats(),
                                           .dv = dv.floats()});
                  return {dq, dk, dv};
                });
}

}  // namespace lw::ops
