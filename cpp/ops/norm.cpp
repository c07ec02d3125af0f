#include "cpp/ops/norm.h"

#include "cpp/autograd/tape.h"
#include "cpp/backend/dispatch.h"
#include "cpp/kernels/batch_norm.h"
#include "cpp/ops/elementwise.h"
#include "cpp/ops/float32.h"
#include "cpp/ops/reduce.h"

namespace lw::ops {
namespace {

void expect_parameter(const char* operation, const char* name, const Tensor& parameter, i64 n) {
  expect(!parameter.defined() || parameter.shape() == Shape{n}, operation, name, " must have shape ", Shape{n},
         ", got ", parameter.defined() ? parameter.shape() : Shape{});
}

}  // namespace

Tensor layer_normalization(const Tensor& any, const Tensor& any_gamma, const Tensor& any_beta, float epsilon) {
  const Tensor x = as_float32(any);
  const Tensor gamma = any_gamma.defined() ? as_float32(any_gamma) : Tensor();
  const Tensor beta = any_beta.defined() ? as_float32(any_beta) : Tensor();
  expect(x.rank() >= 1 && x.dim(-1) > 0, "layer_normalization", "x must have a last axis to normalise, got shape ",
         x.shape());
  expect(epsilon > 0, "layer_normalization", "epsilon must be > 0, got ", epsilon);
  const i64 n = x.dim(-1), rows = x.count() / n;
  expect_parameter("layer_normalization", "gamma", gamma, n);
  expect_parameter("layer_normalization", "beta", beta, n);
  const Array y = empty(x.shape(), x.device()), mean = empty({rows}, x.device()), scale = empty({rows}, x.device());
  kernels(x.device())
      .layer_norm_forward({rows, n, epsilon, x.value().floats(), floats_or_null(gamma.value()),
                           floats_or_null(beta.value()), y.floats(), mean.floats(), scale.floats()});
  return record("layer_normalization", y, {&x, &gamma, &beta},
                [rows, n, x = saved(x.value()), gamma = saved(gamma.value()), mean = saved(mean), scale = saved(scale)](
                    const Array& dy, Wants wants) -> Grads {
                  Array dx, dgamma, dbeta;
                  const Array so_far = wants.take(0);
                  if (wants[0]) dx = so_far && so_far.sole() ? so_far : empty(dy.shape(), dy.device());
                  if (wants[1]) dgamma = zeros({n}, dy.device());
                  if (wants[2]) dbeta = zeros({n}, dy.device());
                  kernels(dy.device())
                      .layer_norm_backward({rows, n, x.get().floats(), floats_or_null(gamma), mean.get().floats(),
                                            scale.get().floats(), dy.floats(), floats_or_null(so_far),
                                            floats_or_null(dx), floats_or_null(dgamma), floats_or_null(dbeta)});
                  return {dx, dgamma, dbeta};
                });
}

BatchNormalized batch_normalization(const Tensor& any, const Tensor& any_gamma, const Tensor& any_beta, float epsilon) {
  const Tensor x = as_float32(any);
  const Tensor gamma = any_gamma.defined() ? as_float32(any_gamma) : Tensor();
  const Tensor beta = any_beta.defined() ? as_float32(any_beta) : Tensor();
  expect(x.rank() >= 2 && x.count() > 0, "batch_normalization", "x must have shape (batch, .., channels), none 0, got ",
         x.shape());
  expect(epsilon > 0, "batch_normalization", "epsilon must be > 0, got ", epsilon);
  const i64 n = x.dim(-1), rows = x.count() / n;
  expect_parameter("batch_normalization", "gamma", gamma, n);
  expect_parameter("batch_normalization", "beta", beta, n);
  const Array y = empty(x.shape(), x.device()), mean = empty({n}, x.device()), variance = empty({n}, x.device());
  kernels(x.device())
      .batch_norm_forward({rows, n, epsilon, x.value().floats(), floats_or_null(gamma.value()),
                           floats_or_null(beta.value()), y.floats(), mean.floats(), variance.floats()});
  const Tensor result = record("batch_normalization", y, {&x, &gamma, &beta},
                               [rows, n, epsilon, x = saved(x.value()), gamma = saved(gamma.value()),
                                mean = saved(mean), variance = saved(variance)](const Array& dy, Wants wants) -> Grads {
                                 const Array dx = wants[0] ? empty(dy.shape(), dy.device()) : Array{};
                                 const Array dgamma = empty({n}, dy.device()), dbeta = empty({n}, dy.device());
                                 kernels(dy.device())
                                     .batch_norm_backward({rows, n, epsilon, x.get().floats(), floats_or_null(gamma),
                                                           mean.get().floats(), variance.get().floats(), dy.floats(),
                                                           floats_or_null(dx), dgamma.floats(), dbeta.floats()});
                                 return {dx, wants[1] ? dgamma : Array{}, wants[2] ? dbeta : Array{}};
                               });
  return {result, Tensor(mean), Tensor(variance)};
}

Tensor l2_normalize(const Tensor& x, float epsilon) {
  expect(epsilon > 0, "l2_normalize", "epsilon must be > 0, got ", epsilon);
  const Tensor squares = sum(square(x), Axes{{-1}}, true);
  return divide(x, sqrt(maximum(squares, Tensor(full({}, epsilon)))));
}

}  // namespace lw::ops
