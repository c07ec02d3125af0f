#include "cpp/ops/recurrent.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <vector>

#include "cpp/autograd/tape.h"
#include "cpp/backend/dispatch.h"
#include "cpp/ops/float32.h"

namespace lw::ops {
namespace {

const char* name_of(RecurrentCell cell) {
  return cell == RecurrentCell::simple ? "simple_rnn" : cell == RecurrentCell::lstm ? "lstm" : "gru";
}

// Which steps count, as kernels take it; empty where all do.
struct Plan {
  i64 batch = 0, rows = 0, steps = 0;  // sequences, rows of x, and steps of a sequence (of packed ones the mean)
  std::vector<i64> offsets, lengths, order;
  Array mask;  // of sequences with gaps

  bool packed() const { return !offsets.empty(); }
  void apply(RecurrentShape& shape) const {
    shape.batch = batch;
    shape.steps = steps;
    shape.offsets = packed() ? offsets.data() : nullptr;
    shape.lengths = lengths.empty() ? nullptr : lengths.data();
    shape.order = order.empty() ? nullptr : order.data();
    shape.mask = mask ? mask.data<bool>() : nullptr;
  }
};

std::vector<i64> integers(const char* name, const char* argument, const Tensor& given, i64 count) {
  expect(given.shape() == Shape{count}, name, argument, " must have shape ", Shape{count}, ", got ", given.shape());
  expect_type(given.dtype() != DType::float32, name, argument, " must be integers, got float32");
  const Array values = as_int64(given.value());
  return {values.data<i64>(), values.data<i64>() + count};
}

// The longest first, unless all are of a length.
std::vector<i64> longest_first(const std::vector<i64>& lengths) {
  std::vector<i64> order;
  if (std::all_of(lengths.begin(), lengths.end(), [&](i64 length) { return length == lengths.front(); })) return order;
  order.resize(lengths.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](i64 a, i64 b) { return lengths[a] > lengths[b]; });
  return order;
}

Plan packed_plan(const char* name, const CountedSteps& given, const Tensor& x) {
  const Tensor& offsets = given.offsets;
  expect(x.rank() == 2, name, "offsets are of (rows, inputs), x has shape ", x.shape());
  expect(!given.lengths.defined() && !given.mask.defined(), name,
         "lengths and mask are of (batch, steps, inputs), x has offsets and shape ", x.shape());
  expect(offsets.rank() == 1 && offsets.count() > 0, name, "offsets must have shape (sequences + 1,), got ",
         offsets.shape());
  Plan plan;
  plan.offsets = integers(name, "offsets", offsets, offsets.count());
  plan.batch = offsets.count() - 1;
  plan.rows = x.dim(0);
  plan.steps = plan.batch > 0 ? (plan.rows + plan.batch - 1) / plan.batch : 0;
  expect(plan.offsets.front() == 0 && plan.offsets.back() == plan.rows, name, "offsets must go from 0 to ", plan.rows,
         ", the rows of x, got ", plan.offsets.front(), " to ", plan.offsets.back());
  std::vector<i64> lengths;
  for (std::size_t s = 0; s + 1 < plan.offsets.size(); ++s) {
    lengths.push_back(plan.offsets[s + 1] - plan.offsets[s]);
    expect(lengths.back() >= 0, name, "offsets must not decrease, got ", plan.offsets[s + 1], " after ",
           plan.offsets[s]);
  }
  plan.order = longest_first(lengths);
  return plan;
}

Plan padded_plan(const char* name, const CountedSteps& given, const Tensor& x) {
  Plan plan;
  const i64 batch = plan.batch = x.dim(0), steps = plan.steps = x.rank() == 2 ? 1 : x.dim(1);
  plan.rows = batch * steps;
  expect(!given.lengths.defined() || !given.mask.defined(), name, "lengths and mask say the same: give one of them");
  if (given.lengths.defined()) {
    plan.lengths = integers(name, "lengths", given.lengths, batch);
    for (i64 length : plan.lengths)
      expect(length >= 0 && length <= steps, name, "lengths must lie in 0 to ", steps, ", the steps of x, got ",
             length);
  }
  if (given.mask.defined()) {
    const Tensor& mask = given.mask;
    expect((mask.shape() == Shape{batch, steps}), name, "mask must have shape ", Shape{batch, steps}, ", got ",
           mask.shape());
    expect_type(mask.dtype() == DType::boolean, name, "mask must be of bool, got ", lw::name_of(mask.dtype()));
    bool gaps = false;
    for (i64 s = 0; s < batch; ++s) {
      const bool* counts = mask.value().data<bool>() + s * steps;
      i64 length = steps;
      while (length > 0 && !counts[length - 1]) --length;
      gaps = gaps || std::find(counts, counts + length, false) != counts + length;
      plan.lengths.push_back(length);
    }
    if (gaps) plan.mask = mask.value().storage()->borrowed() ? mask.value().copy() : mask.value();
  }
  plan.order = longest_first(plan.lengths);
  return plan;
}

// Where outputs and last states lie in the result.
struct Places {
  Shape shape;
  i64 y_stride, last, last_cell, last_stride;  // in floats
};

Places places_of(const Plan& plan, const RecurrentOptions& options, bool sequences, i64 hidden) {
  const i64 states = !options.return_state ? 0 : options.cell == RecurrentCell::lstm ? 2 : 1;
  if (!sequences) {
    const Shape shape = states == 0 ? Shape{plan.batch, hidden} : Shape{plan.batch, states, hidden};
    return {shape, plan.steps * hidden, 0, hidden, (states == 0 ? 1 : states) * hidden};
  }
  if (plan.packed()) {
    const i64 outputs = plan.rows * hidden;
    return {{plan.rows + states * plan.batch, hidden}, 0, outputs, outputs + plan.batch * hidden, hidden};
  }
  const i64 each = plan.steps + states;
  return {{plan.batch, each, hidden}, each * hidden, plan.steps * hidden, (plan.steps + 1) * hidden, each * hidden};
}

Tensor as_float32_or_undefined(const Tensor& x) { return x.defined() ? as_float32(x) : Tensor(); }

}  // namespace

Tensor recurrent(const Tensor& any_x, const RecurrentWeights& weights, const RecurrentState& initial,
                 const CountedSteps& counted, const RecurrentOptions& options) {
  const char* name = name_of(options.cell);
  const Tensor x = as_float32(any_x), kernel = as_float32(weights.kernel), recurrent = as_float32(weights.recurrent);
  const Tensor bias = as_float32_or_undefined(weights.bias), state = as_float32_or_undefined(initial.state);
  const Tensor cell_state = as_float32_or_undefined(initial.cell), scale = as_float32_or_undefined(initial.scale);
  const i64 gates = gates_of(options.cell);
  const bool has_cell = options.cell == RecurrentCell::lstm, two_biases = options.cell == RecurrentCell::gru;
  const bool packed = counted.offsets.defined();
  expect(packed || x.rank() == 2 || x.rank() == 3, name, "x must have shape (batch, steps, inputs), got ", x.shape());
  expect(kernel.rank() == 2 && kernel.dim(1) > 0 && kernel.dim(1) % gates == 0, name,
         "kernel must have shape (inputs, ", gates, " * units), got ", kernel.shape());
  auto plan = std::make_shared<const Plan>(packed ? packed_plan(name, counted, x) : padded_plan(name, counted, x));
  const i64 inputs = x.dim(-1), width = kernel.dim(1), hidden = width / gates;
  const bool sequences = options.return_sequences && (packed || x.rank() == 3);
  expect(inputs > 0 && kernel.dim(0) == inputs, name, "kernel takes ", kernel.dim(0), " features, x has ", inputs);
  expect((recurrent.shape() == Shape{hidden, width}), name, "recurrent_kernel must have shape ", Shape{hidden, width},
         ", got ", recurrent.shape());
  const Shape bias_shape = two_biases ? Shape{2, width} : Shape{width};
  expect(!bias.defined() || bias.shape() == bias_shape, name, "bias must have shape ", bias_shape, ", got ",
         bias.defined() ? bias.shape() : Shape{});
  const Shape state_shape = {plan->batch, hidden};
  const auto check_state = [&](const Tensor& given, const char* argument) {
    expect(!given.defined() || given.shape() == state_shape, name, argument, " must have shape ", state_shape, ", got ",
           given.defined() ? given.shape() : Shape{});
  };
  check_state(state, "initial_state");
  check_state(cell_state, "initial_state");
  check_state(scale, "state_scale");
  expect(!wants_grad({&scale}), name, "state_scale is a constant: it has no gradient");
  for (Activation activation : {options.activation, options.gate_activation})
    expect(!needs_input(activation), name, "activation ", lw::name_of(activation),
           " is not supported here: its slope does not follow from its value");

  const bool trains = wants_grad({&x, &kernel, &recurrent, &bias, &state, &cell_state});
  const Places places = places_of(*plan, options, sequences, hidden);
  const Array out = empty(places.shape, x.device());
  const Array y = sequences ? out : trains ? empty({plan->rows, hidden}, x.device()) : Array{};
  Array kept;
  if (trains) kept = empty({plan->rows, kept_of(options.cell) * hidden}, x.device());

  RecurrentForward forward = {.shape = {},
                              .x = x.value().floats(),
                              .kernel = kernel.value().floats(),
                              .recurrent = recurrent.value().floats(),
                              .bias = floats_or_null(bias.value()),
                              .recurrent_bias = two_biases && bias.defined() ? bias.value().floats() + width : nullptr,
                              .state = floats_or_null(state.value()),
                              .cell_state = floats_or_null(cell_state.value()),
                              .state_scale = floats_or_null(scale.value()),
                              .y = floats_or_null(y),
                              .y_stride = places.y_stride,
                              .last = options.return_state || !sequences ? out.floats() + places.last : nullptr,
                              .last_cell = options.return_state && has_cell ? out.floats() + places.last_cell : nullptr,
                              .last_stride = places.last_stride,
                              .kept = floats_or_null(kept)};
  forward.shape.cell = options.cell;
  forward.shape.activation = options.activation;
  forward.shape.gate_activation = options.gate_activation;
  forward.shape.inputs = inputs;
  forward.shape.hidden = hidden;
  plan->apply(forward.shape);
  kernels(x.device()).recurrent_forward(forward);

  return record(
      name, out, {&x, &kernel, &recurrent, &bias, &state, &cell_state},
      [forward, plan, sequences, places, bias_shape, state_shape, x = saved(x.value()), kernel = saved(kernel.value()),
       recurrent = saved(recurrent.value()), state = saved(state.value()), cell_state = saved(cell_state.value()),
       scale = saved(scale.value()), y = saved(y), kept = saved(kept)](const Array& dy, Wants wants) -> Grads {
        RecurrentForward again = forward;  // what was borrowed for the call has been copied
        again.x = x.get().floats();
        again.kernel = kernel.get().floats();
        again.recurrent = recurrent.get().floats();
        again.state = floats_or_null(state.get());
        again.cell_state = floats_or_null(cell_state.get());
        again.state_scale = floats_or_null(scale.get());
        again.y = floats_or_null(y.get());
        again.kept = floats_or_null(kept.get());
        plan->apply(again.shape);
        const auto gradient = [&](std::size_t input, const Shape& shape) {
          return wants[input] ? empty(shape, dy.device()) : Array{};
        };
        Array dx = gradient(0, x.get().shape()), dkernel = gradient(1, kernel.get().shape());
        Array drecurrent = gradient(2, recurrent.get().shape()), dbias = gradient(3, bias_shape);
        Array dstate = gradient(4, state_shape), dcell_state = gradient(5, state_shape);
        const float* from = dy.floats();
        kernels(dy.device())
            .recurrent_backward(
                {.forward = again,
                 .dy = sequences ? from : nullptr,
                 .dy_stride = places.y_stride,
                 .dlast = again.last == nullptr ? nullptr : from + places.last,
                 .dlast_cell = again.last_cell == nullptr ? nullptr : from + places.last_cell,
                 .dlast_stride = places.last_stride,
                 .dx = floats_or_null(dx),
                 .dkernel = floats_or_null(dkernel),
                 .drecurrent = floats_or_null(drecurrent),
                 .dbias = floats_or_null(dbias),
                 .drecurrent_bias = dbias && bias_shape.rank() == 2 ? dbias.floats() + bias_shape[1] : nullptr,
                 .dstate = floats_or_null(dstate),
                 .dcell_state = floats_or_null(dcell_state)});
        return {dx, dkernel, drecurrent, dbias, dstate, dcell_state};
      });
}

}  // namespace lw::ops
