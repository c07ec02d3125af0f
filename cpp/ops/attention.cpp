#include "cpp/ops/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "cpp/autograd/tape.h"
#include "cpp/backend/dispatch.h"
#include "cpp/ops/float32.h"

namespace lw::ops {
namespace {

constexpr const char* name = "attention";
constexpr i64 most_kept = i64{1} << 25;  // floats; where there are more, probabilities are computed again

// One side of every sequence: its first row and how many rows it has.
struct Side {
  std::vector<i64> first, count;
  bool whole;  // they cover every row
};

std::vector<i64> integers(const Tensor& given, const char* argument, i64 count) {
  expect(given.shape() == Shape{count}, name, argument, " must have shape ", Shape{count}, ", got ", given.shape());
  expect_type(given.dtype() != DType::float32, name, argument, " must be integers, got float32");
  const Array values = as_int64(given.value());
  return {values.data<i64>(), values.data<i64>() + count};
}

Side packed(const Tensor& offsets, const char* argument, const Tensor& x, const char* x_name) {
  expect(offsets.rank() == 1 && offsets.count() > 0, name, argument, " must have shape (sequences + 1,), got ",
         offsets.shape());
  const std::vector<i64> at = integers(offsets, argument, offsets.count());
  Side side;
  for (std::size_t s = 0; s + 1 < at.size(); ++s) {
    expect(at[s] <= at[s + 1], name, argument, " must not decrease, got ", at[s], " before ", at[s + 1]);
    side.first.push_back(at[s]);
    side.count.push_back(at[s + 1] - at[s]);
  }
  expect(at.front() >= 0 && at.back() <= x.dim(0), name, argument, " must lie in 0 to ", x.dim(0), ", the rows of ",
         x_name, ", got ", at.front() < 0 ? at.front() : at.back());
  side.whole = at.front() == 0 && at.back() == x.dim(0);
  return side;
}

Side padded(const Tensor& lengths, const char* argument, const Tensor& x, const char* x_name) {
  const i64 batch = x.dim(0), steps = x.dim(1);
  Side side = {{}, std::vector<i64>(static_cast<std::size_t>(batch), steps), true};
  for (i64 s = 0; s < batch; ++s) side.first.push_back(s * steps);
  if (!lengths.defined()) return side;
  side.count = integers(lengths, argument, batch);
  for (i64 length : side.count) {
    expect(length >= 0 && length <= steps, name, argument, " must lie in 0 to ", steps, ", the steps of ", x_name,
           ", got ", length);
    side.whole = side.whole && length == steps;
  }
  return side;
}

// What kernels take, and what keeps it alive.
struct Plan {
  std::vector<AttentionSequence> sequences;
  Array key_mask;
  i64 kept = 0;  // floats of all probabilities
  bool all_queries = true, all_keys = true;
};

Plan plan_of(const Tensor& query, const Tensor& key, const AttentionRows& rows, i64 heads) {
  Side queries, keys;
  if (query.rank() == 2) {
    expect(rows.offsets.defined(), name, "query of shape ", query.shape(), " needs offsets; padded it is (batch, ",
           "steps, dim)");
    expect(!rows.lengths.defined() && !rows.key_lengths.defined(), name,
           "lengths are of (batch, steps, dim), query has shape ", query.shape());
    queries = packed(rows.offsets, "offsets", query, "query");
    keys = rows.key_offsets.defined() ? packed(rows.key_offsets, "key_offsets", key, "key")
                                      : packed(rows.offsets, "offsets", key, "key");
  } else {
    expect(!rows.offsets.defined() && !rows.key_offsets.defined(), name, "offsets are of (rows, dim), query has shape ",
           query.shape());
    expect(!rows.lengths.defined() || rows.key_lengths.defined() || query.dim(1) == key.dim(1), name,
           "lengths are of queries and of keys: give key_lengths, query has ", query.dim(1), " steps, key has ",
           key.dim(1));
    queries = padded(rows.lengths, "lengths", query, "query");
    keys = rows.key_lengths.defined() ? padded(rows.key_lengths, "key_lengths", key, "key")
                                      : padded(rows.lengths, "lengths", key, "key");
  }
  expect(queries.first.size() == keys.first.size(), name, "query has ", queries.first.size(), " sequences, key has ",
         keys.first.size());
  Plan plan;
  for (std::size_t s = 0; s < queries.first.size(); ++s) {
    expect(std::max(queries.count[s], keys.count[s]) <= std::numeric_limits<i32>::max() / 2, name,
           "a sequence is too long: ", std::max(queries.count[s], keys.count[s]), " rows");
    plan.sequences.push_back({queries.first[s], queries.count[s], keys.first[s], keys.count[s], plan.kept});
    plan.kept += heads * queries.count[s] * attention_stride(keys.count[s]);
  }
  plan.all_queries = queries.whole;
  plan.all_keys = keys.whole;
  if (rows.key_mask.defined()) {
    const Tensor& mask = rows.key_mask;
    const Shape shape(key.shape().begin(), static_cast<std::size_t>(key.rank() - 1));
    expect(mask.shape() == shape, name, "key_mask must have shape ", shape, ", got ", mask.shape());
    expect_type(mask.dtype() == DType::boolean, name, "key_mask must be of bool, got ", name_of(mask.dtype()));
    plan.key_mask = mask.value().storage()->borrowed() ? mask.value().copy() : mask.value();
    plan.all_keys = false;
  }
  return plan;
}

Array unset_unless(bool zero, const Shape& shape, Device device) {
  return zero ? zeros(shape, device) : empty(shape, device);
}

}  // namespace

Tensor attention(const Tensor& any_query, const Tensor& any_key, const Tensor& any_value, const Tensor& any_bias,
                 const AttentionRows& rows, const AttentionOptions& options) {
  const Tensor query = as_float32(any_query), key = as_float32(any_key), value = as_float32(any_value);
  const Tensor bias = any_bias.defined() ? as_float32(any_bias) : Tensor();
  const i64 heads = options.heads;
  expect(query.rank() == 2 || query.rank() == 3, name, "query must have shape (rows, dim) or (batch, steps, dim), got ",
         query.shape());
  expect(heads >= 1, name, "num_heads must be at least 1, got ", heads);
  for (const auto& [x, x_name] : {std::pair{&key, "key"}, std::pair{&value, "value"}})
    expect(x->rank() == query.rank(), name, x_name, " must have as many dimensions as query, got ", x->shape(), " and ",
           query.shape());
  for (const auto& [x, x_name] : {std::pair{&query, "query"}, std::pair{&key, "key"}, std::pair{&value, "value"}})
    expect(x->dim(-1) > 0 && x->dim(-1) % heads == 0, name, x_name, " must have a multiple of ", heads,
           " columns, its heads, got ", x->dim(-1));
  expect(key.dim(-1) == query.dim(-1), name, "query has ", query.dim(-1), " columns, key has ", key.dim(-1));
  expect(with_last(key.shape(), 1) == with_last(value.shape(), 1), name, "key and value must have the same rows, got ",
         key.shape(), " and ", value.shape());
  expect(query.rank() == 2 || query.dim(0) == key.dim(0), name, "query has a batch of ", query.dim(0), ", key of ",
         key.dim(0));
  expect(!bias.defined() || (bias.rank() == 2 && bias.dim(0) == heads && bias.dim(1) % 2 == 1), name,
         "relative_bias must have shape (", heads, ", 2 * distance + 1), got ",
         bias.defined() ? bias.shape() : Shape{});
  const float scale =
      options.scale.value_or(1.f / std::sqrt(static_cast<float>(query.dim(-1)) / static_cast<float>(heads)));
  expect(scale > 0 && std::isfinite(scale), name, "scale must be above 0, got ", scale);
  expect(options.dropout >= 0 && options.dropout < 1, name, "dropout must be in [0, 1), got ", options.dropout);

  auto plan = std::make_shared<const Plan>(plan_of(query, key, rows, heads));
  const Shape out_shape = with_last(query.shape(), value.dim(-1));
  Array y = unset_unless(!plan->all_queries, out_shape, query.device());
  const bool keeps = wants_grad({&query, &key, &value, &bias}) && plan->kept <= most_kept;
  Array kept = keeps ? empty({plan->kept}, query.device()) : Array{};
  const AttentionForward forward = {.shape = {.count = static_cast<i64>(plan->sequences.size()),
                                              .heads = heads,
                                              .key_dim = query.dim(-1) / heads,
                                              .value_dim = value.dim(-1) / heads,
                                              .sequences = plan->sequences.data(),
                                              .key_mask = plan->key_mask ? plan->key_mask.data<bool>() : nullptr,
                                              .causal = options.causal,
                                              .scale = scale,
                                              .relative_bias = bias.defined() ? bias.value().floats() : nullptr,
                                              .distance = bias.defined() ? bias.dim(1) / 2 : 0,
                                              .dropout = options.dropout,
                                              .dropout_key = options.dropout_key},
                                    .q = query.value().floats(),
                                    .k = key.value().floats(),
                                    .v = value.value().floats(),
                                    .y = y.floats(),
                                    .kept = floats_or_null(kept)};
  kernels(query.device()).attention_forward(forward);

  return record(name, y, {&query, &key, &value, &bias},
                [forward, plan, q = saved(query.value()), k = saved(key.value()), v = saved(value.value()),
                 bias = bias.defined() ? saved(bias.value()) : Saved(), y = saved(y),
                 kept = kept ? saved(kept) : Saved()](const Array& dy, Wants wants) -> Grads {
                  AttentionForward again = forward;  // what was borrowed for the call has been copied
                  again.q = q.get().floats();
                  again.k = k.get().floats();
                  again.v = v.get().floats();
                  again.y = y.get().floats();
                  if (again.shape.relative_bias != nullptr) again.shape.relative_bias = bias.get().floats();
                  const auto gradient = [&](std::size_t input, const Saved& of, bool all_set) {
                    return wants[input] ? unset_unless(!all_set, of.get().shape(), dy.device()) : Array{};
                  };
                  Array dq = gradient(0, q, plan->all_queries), dk = gradient(1, k, plan->all_keys);
                  Array dv = gradient(2, v, plan->all_keys);
                  Array dbias = wants[3] ? empty(bias.get().shape(), dy.device()) : Array{};
                  kernels(dy.device())
                      .attention_backward({.forward = again,
                                           .dy = dy.floats(),
                                           .dq = floats_or_null(dq),
                                           .dk = floats_or_null(dk),
                                           .dv = floats_or_null(dv),
                                           .drelative_bias = floats_or_null(dbias)});
                  return {dq, dk, dv, dbias};
                });
}

}  // namespace lw::ops
