#include "cpp/ops/optimizer.h"

#include <cmath>
#include <initializer_list>

#include "cpp/autograd/deferral.h"
#include "cpp/backend/dispatch.h"
#include "cpp/ops/embedding.h"

namespace lw::ops {
namespace {

void coalesce_gradient(const Tensor& parameter) {  // under the leaf's lock
  Grad& grad = parameter.variable()->grad;
  if (grad.sparse()) grad = coalesce_rows(*grad.sparse());
}

double square_sum(const Array& x) {
  double result = 0;
  kernels(x.device()).sum_squares({x.count(), x.floats(), &result});
  return result;
}

Update update_of(const Tensor& parameter, const Grad& grad, const StepOptions& options) {
  Update update{};
  update.rows = grad.sparse() ? parameter.dim(0) : 1;
  update.dim = grad.sparse() ? parameter.dim(1) : parameter.count();
  update.parameter = parameter.value().floats();
  update.gradient = grad.sparse() ? grad.sparse()->rows.floats() : grad.dense()->floats();
  update.ids = grad.sparse() ? grad.sparse()->ids.data<i64>() : nullptr;
  update.gradient_rows = grad.sparse() ? grad.sparse()->ids.count() : 0;
  update.every_row = options.exact;
  update.scale = options.scale;
  update.limit = options.limit;
  update.l1 = options.l1;
  update.l2 = options.l2;
  update.decay = options.decay;
  return update;
}

float* state_of(const char* operation, const Tensor& parameter, const Tensor& state) {
  if (!state.defined()) return nullptr;
  expect(state.shape() == parameter.shape(), operation, "state must have the parameter's shape ", parameter.shape(),
         ", got ", state.shape());
  return state.value().floats();
}

// Rows with a gradient of zero stay as they are, where no momentum moves them: then there is no need to visit them.
StepOptions with_idle_rows_left_out(StepOptions options) {
  options.exact = options.exact && (options.l1 != 0 || options.l2 != 0 || options.decay != 0);
  return options;
}

// body(update) if there is a gradient, which is gone afterwards.
template <typename Body>
void step(const char* operation, const Tensor& parameter, const StepOptions& options,
          std::initializer_list<const Tensor*> states, const Body& body) {
  expect(parameter.requires_grad() && !parameter.variable()->node, operation,
         "a parameter is a tensor made with requires_grad=True");
  const std::lock_guard lock(parameter.variable()->grad_mutex());
  if (parameter.variable()->grad.none()) return;
  coalesce_gradient(parameter);
  finish_deferred();
  body(update_of(parameter, parameter.variable()->grad, options));
  parameter.value().storage()->bump_version();
  for (const Tensor* state : states)
    if (state->defined()) state->value().storage()->bump_version();
  parameter.variable()->grad = {};
}

}  // namespace

double gradient_square_sum(const Tensor& parameter) {
  if (!parameter.requires_grad()) return 0;
  const std::lock_guard lock(parameter.variable()->grad_mutex());
  coalesce_gradient(parameter);
  const Grad& grad = parameter.variable()->grad;
  return grad.none() ? 0 : square_sum(grad.sparse() ? grad.sparse()->rows : *grad.dense());
}

void sgd_step(const Tensor& parameter, const StepOptions& options, float learning_rate, float momentum, bool nesterov,
              const Tensor& momentums) {
  step("sgd", parameter, momentums.defined() ? options : with_idle_rows_left_out(options), {&momentums},
       [&](const Update& update) {
         kernels(parameter.device())
             .sgd_step({update, state_of("sgd", parameter, momentums), learning_rate, momentum, nesterov});
       });
}

void adagrad_step(const Tensor& parameter, const StepOptions& options, const Tensor& accumulator, float learning_rate,
                  float epsilon) {
  step("adagrad", parameter, with_idle_rows_left_out(options), {&accumulator}, [&](const Update& update) {
    kernels(parameter.device())
        .adagrad_step({update, state_of("adagrad", parameter, accumulator), learning_rate, epsilon});
  });
}

void rmsprop_step(const Tensor& parameter, const StepOptions& options, const Tensor& velocity, float learning_rate,
                  float rho, float momentum, float epsilon, const Tensor& average, const Tensor& momentums) {
  step("rmsprop", parameter, options, {&velocity, &average, &momentums}, [&](const Update& update) {
    kernels(parameter.device())
        .rmsprop_step({update, state_of("rmsprop", parameter, velocity), state_of("rmsprop", parameter, average),
                       state_of("rmsprop", parameter, momentums), learning_rate, rho, momentum, epsilon});
  });
}

void adam_step(const Tensor& parameter, const StepOptions& options, const Tensor& momentums, const Tensor& velocities,
               double learning_rate, double beta_1, double beta_2, float epsilon, i64 step_number,
               const Tensor& highest) {
  const double t = static_cast<double>(step_number);
  const double alpha = learning_rate * std::sqrt(1 - std::pow(beta_2, t)) / (1 - std::pow(beta_1, t));
  step("adam", parameter, options, {&momentums, &velocities, &highest}, [&](const Update& update) {
    kernels(parameter.device())
        .adam_step({update, state_of("adam", parameter, momentums), state_of("adam", parameter, velocities),
                    state_of("adam", parameter, highest), static_cast<float>(alpha), static_cast<float>(1 - beta_1),
                    static_cast<float>(1 - beta_2), epsilon});
  });
}

}  // namespace lw::ops
