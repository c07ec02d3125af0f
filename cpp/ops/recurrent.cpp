#include "cpp/ops/recurrent.h"

#include <algorithm>
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
  std::vector<i64> lengths, order;
  Array mask;  // of sequences with gaps

  void apply(RecurrentShape& shape) const {
    shape.lengths = lengths.empty() ? nullptr : lengths.data();
    shape.order = order.empty() ? nullptr : order.data();
    shape.mask = mask ? mask.data<bool>() : nullptr;
  }
};

Plan plan_of(const char* name, const CountedSteps& given, i64 batch, i64 steps) {
  Plan plan;
  expect(!given.lengths.defined() || !given.mask.defined(), name, "lengths and mask say the same: give one of them");
  if (given.lengths.defined()) {
    const Tensor& lengths = given.lengths;
    expect(lengths.shape() == Shape{batch}, name, "lengths must have shape ", Shape{batch}, ", got ", lengths.shape());
    expect_type(lengths.dtype() != DType::float32, name, "lengths must be integers, got float32");
    const Array values = as_int64(lengths.value());
    plan.lengths.assign(values.data<i64>(), values.data<i64>() + batch);
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
  const auto differs = [&](i64 length) { return length != plan.lengths.front(); };
  if (std::any_of(plan.lengths.begin(), plan.lengths.end(), differs)) {
    plan.order.resize(plan.lengths.size());
    std::iota(plan.order.begin(), plan.order.end(), 0);
    std::stable_sort(plan.order.begin(), plan.order.end(),
                     [&](i64 a, i64 b) { return plan.lengths[a] > plan.lengths[b]; });
  }
  return plan;
}

Tensor as_float32_or_undefined(const Tensor& x) { return x.defined() ? as_float32(x) : Tensor(); }

}  // namespace

Tensor recurrent(const Tensor& any_x, const RecurrentWeights& weights, const Tensor& any_state,
                 const Tensor& any_cell_state, const CountedSteps& counted, const RecurrentOptions& options) {
  const char* name = name_of(options.cell);
  const Tensor x = as_float32(any_x), kernel = as_float32(weights.kernel), recurrent = as_float32(weights.recurrent);
  const Tensor bias = as_float32_or_undefined(weights.bias), state = as_float32_or_undefined(any_state);
  const Tensor cell_state = as_float32_or_undefined(any_cell_state);
  const i64 gates = gates_of(options.cell);
  const bool has_cell = options.cell == RecurrentCell::lstm, two_biases = options.cell == RecurrentCell::gru;
  expect(x.rank() == 2 || x.rank() == 3, name, "x must have shape (batch, steps, inputs), got ", x.shape());
  expect(kernel.rank() == 2 && kernel.dim(1) > 0 && kernel.dim(1) % gates == 0, name,
         "kernel must have shape (inputs, ", gates, " * units), got ", kernel.shape());
  const i64 batch = x.dim(0), inputs = x.dim(-1), width = kernel.dim(1), hidden = width / gates;
  const bool one_step = x.rank() == 2, sequences = options.return_sequences && !one_step;
  const i64 steps = one_step ? 1 : x.dim(1);
  expect(inputs > 0 && kernel.dim(0) == inputs, name, "kernel takes ", kernel.dim(0), " features, x has ", inputs);
  expect((recurrent.shape() == Shape{hidden, width}), name, "recurrent_kernel must have shape ", Shape{hidden, width},
         ", got ", recurrent.shape());
  const Shape bias_shape = two_biases ? Shape{2, width} : Shape{width};
  expect(!bias.defined() || bias.shape() == bias_shape, name, "bias must have shape ", bias_shape, ", got ",
         bias.defined() ? bias.shape() : Shape{});
  for (const Tensor* initial : {&state, &cell_state})
    expect(!initial->defined() || initial->shape() == Shape{batch, hidden}, name, "initial_state must have shape ",
           Shape{batch, hidden}, ", got ", initial->defined() ? initial->shape() : Shape{});
  for (Activation activation : {options.activation, options.gate_activation})
    expect(!needs_input(activation), name, "activation ", lw::name_of(activation),
           " is not supported here: its slope does not follow from its value");

  auto plan = std::make_shared<const Plan>(plan_of(name, counted, batch, steps));
  const RecurrentShape shape = {options.cell,
                                options.activation,
                                options.gate_activation,
                                batch,
                                steps,
                                inputs,
                                hidden,
                                nullptr,
                                nullptr,
                                nullptr,
                                nullptr};
  const bool trains = wants_grad({&x, &kernel, &recurrent, &bias, &state, &cell_state});
  const i64 outputs = sequences ? steps : 0, rows = outputs + (options.return_state ? 1 + has_cell : sequences ? 0 : 1);
  const Array out =
      empty(sequences || options.return_state ? Shape{batch, rows, hidden} : Shape{batch, hidden}, x.device());
  const Array y = sequences ? out : trains ? empty({batch, steps, hidden}, x.device()) : Array{};
  Array kept;
  if (trains) kept = empty({batch * steps, kept_of(options.cell) * hidden}, x.device());

  const bool gives_last = options.return_state || !sequences;
  RecurrentForward forward = {
      .shape = shape,
      .x = x.value().floats(),
      .kernel = kernel.value().floats(),
      .recurrent = recurrent.value().floats(),
      .bias = floats_or_null(bias.value()),
      .recurrent_bias = two_biases && bias.defined() ? bias.value().floats() + width : nullptr,
      .state = floats_or_null(state.value()),
      .cell_state = floats_or_null(cell_state.value()),
      .y = floats_or_null(y),
      .y_stride = (sequences ? rows : steps) * hidden,
      .last = gives_last ? out.floats() + outputs * hidden : nullptr,
      .last_cell = options.return_state && has_cell ? out.floats() + (outputs + 1) * hidden : nullptr,
      .last_stride = rows * hidden,
      .kept = floats_or_null(kept)};
  plan->apply(forward.shape);
  kernels(x.device()).recurrent_forward(forward);

  return record(
      name, out, {&x, &kernel, &recurrent, &bias, &state, &cell_state},
      [forward, plan, sequences, outputs, x = saved(x.value()), kernel = saved(kernel.value()),
       recurrent = saved(recurrent.value()), bias_shape, state = saved(state.value()),
       cell_state = saved(cell_state.value()), y = saved(y),
       kept = saved(kept)](const Array& dy, Wants wants) -> Grads {
        RecurrentForward again = forward;  // what was borrowed for the call has been copied
        again.x = x.get().floats();
        again.kernel = kernel.get().floats();
        again.recurrent = recurrent.get().floats();
        again.state = floats_or_null(state.get());
        again.cell_state = floats_or_null(cell_state.get());
        again.y = floats_or_null(y.get());
        again.kept = floats_or_null(kept.get());
        plan->apply(again.shape);
        const i64 hidden = again.shape.hidden;
        const auto gradient = [&](std::size_t input, const Shape& shape) {
          return wants[input] ? empty(shape, dy.device()) : Array{};
        };
        Array dx = gradient(0, x.get().shape()), dkernel = gradient(1, kernel.get().shape());
        Array drecurrent = gradient(2, recurrent.get().shape()), dbias = gradient(3, bias_shape);
        const Shape state_shape = {again.shape.batch, hidden};
        Array dstate = gradient(4, state_shape), dcell_state = gradient(5, state_shape);
        const float* from = dy.floats();
        kernels(dy.device())
            .recurrent_backward(
                {.forward = again,
                 .dy = sequences ? from : nullptr,
                 .dy_stride = again.last_stride,
                 .dlast = again.last == nullptr ? nullptr : from + outputs * hidden,
                 .dlast_cell = again.last_cell == nullptr ? nullptr : from + (outputs + 1) * hidden,
                 .dlast_stride = again.last_stride,
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
