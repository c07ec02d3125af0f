#include "cpp/ops/softmax_loss.h"

#include <array>
#include <utility>

#include "cpp/autograd/tape.h"
#include "cpp/backend/dispatch.h"
#include "cpp/ops/elementwise.h"
#include "cpp/ops/float32.h"
#include "cpp/ops/positions.h"

namespace lw::ops {
namespace {

SoftmaxLoss problem_of(const Array& states, const Array& table, const Array& bias, const Positions& positions,
                       const Array& log_sum_exp) {
  SoftmaxLoss problem{};
  problem.rows = positions.count;
  problem.items = table.dim(0);
  problem.dim = table.dim(1);
  problem.states = states.floats();
  problem.state_of = positions.state.data<i64>();
  problem.table = table.floats();
  problem.bias = floats_or_null(bias);
  problem.targets = positions.target.data<i64>();
  problem.coefficients = positions.coefficient.floats();
  problem.log_sum_exp = log_sum_exp.floats();
  return problem;
}

struct Gradients {
  Array states, table, bias;
};

Gradients gradients_for(const Array& states, const Array& table, const Array& bias, std::array<bool, 3> wants,
                        const Positions& positions, SoftmaxLoss& problem) {
  Gradients wanted;
  const bool all = positions.count == states.rows().dim(0);  // positions left out have gradients of zero
  if (wants[0]) wanted.states = all ? empty(states.shape()) : zeros(states.shape());
  if (wants[1]) wanted.table = empty(table.shape());
  if (wants[2]) wanted.bias = empty(bias.shape());
  problem.dstates = floats_or_null(wanted.states);
  problem.dtable = floats_or_null(wanted.table);
  problem.dbias = floats_or_null(wanted.bias);
  return wanted;
}

// Does the gradient in the forward pass pay? Enough positions to share out, and a table of which eight gradients are
// little memory; beyond, scores are computed again in the backward pass.
bool gradients_at_once(const SoftmaxLoss& problem) {
  constexpr i64 enough_rows = 1024, most_floats = i64{16} << 20;
  return problem.rows >= enough_rows && 8 * problem.items * problem.dim <= most_floats;
}

}  // namespace

Tensor softmax_loss(const Tensor& any_states, const Tensor& table, const Tensor& targets, const Tensor& any_bias,
                    const Tensor& any_weights, std::optional<i64> ignored) {
  const Tensor states = as_float32(any_states);
  const Tensor bias = any_bias.defined() ? as_float32(any_bias) : Tensor();
  const Tensor weights = any_weights.defined() ? as_float32(any_weights) : Tensor();
  expect_positions("softmax_loss", {states.value(), table.value(), targets.value(), bias.value(), weights.value()});

  const Positions positions = positions_of("softmax_loss", targets.value(), weights.value(), ignored, table.dim(0));
  const Array log_sum_exp = empty({positions.count}), losses = empty({positions.count});
  SoftmaxLoss problem = problem_of(states.value(), table.value(), bias.value(), positions, log_sum_exp);
  problem.losses = losses.floats();
  const bool at_once = wants_grad({&states, &table, &bias}) && gradients_at_once(problem);
  Gradients gradients;
  if (at_once) {
    gradients =
        gradients_for(states.value(), table.value(), bias.value(),
                      {states.requires_grad(), table.requires_grad(), bias.requires_grad()}, positions, problem);
    kernels(states.device()).softmax_loss_with_gradients(problem);
  } else {
    kernels(states.device()).softmax_loss(problem);
  }
  double loss = 0;
  for (i64 r = 0; r < positions.count; ++r)
    loss += static_cast<double>(positions.coefficient.floats()[r]) * losses.floats()[r];
  const Array y = full({}, static_cast<float>(loss));

  if (at_once)
    return record("softmax_loss", y, {&states, &table, &bias}, [gradients](const Array& dy, Wants) -> Grads {
      const float factor = *dy.floats();
      return {scaled(gradients.states, factor), scaled(gradients.table, factor), scaled(gradients.bias, factor)};
    });
  return record("softmax_loss", y, {&states, &table, &bias},
                [states = saved(states.value()), table = saved(table.value()), bias = saved(bias.value()), positions,
                 log_sum_exp](const Array& dy, Wants wants) -> Grads {
                  SoftmaxLoss problem = problem_of(states, table, bias, positions, log_sum_exp);
                  const Gradients gradients =
                      gradients_for(states, table, bias, {wants[0], wants[1], wants[2]}, positions, problem);
                  kernels(dy.device()).softmax_loss_backward(problem);
                  const float factor = *dy.floats();
                  return {scaled(gradients.states, factor), scaled(gradients.table, factor),
                          scaled(gradients.bias, factor)};
                });
}

}  // namespace lw::ops
