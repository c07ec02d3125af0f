#include "cpp/ops/linear.h"

#include "cpp/autograd/deferral.h"
#include "cpp/autograd/tape.h"
#include "cpp/backend/dispatch.h"
#include "cpp/kernels/linear.h"
#include "cpp/ops/activation.h"
#include "cpp/ops/dropout.h"
#include "cpp/ops/float32.h"
#include "cpp/ops/matmul.h"
#include "cpp/ops/reduce.h"

namespace lw::ops {
namespace {

// r + D(f(x W + b)), D dropout
struct Dense {
  Tensor x, kernel, bias;  // bias may be undefined
  Activation activation;
  DropoutDraws dropout{};
  Tensor residual{};  // or undefined; behind it f is linear

  bool wants_grad() const { return lw::wants_grad({&x, &kernel, &bias, &residual}); }
  Shape shape() const { return with_last(x.shape(), kernel.dim(1)); }
};

void run(const Dense& d, Activation activation, float* y) {
  const Array rows = d.x.value().rows(), w = d.kernel.value();
  const i64 n = rows.dim(0), in = w.dim(0), out = w.dim(1);
  const float* bias = d.bias.defined() ? d.bias.value().floats() : nullptr;
  const float* residual = d.residual.defined() ? d.residual.value().floats() : nullptr;
  const KernelTable& table = kernels(d.x.device());
  const bool goes_on = d.dropout.rate > 0 || residual != nullptr;
  if (goes_on && linear_pays(n, in, out)) {
    table.linear_forward({.rows = n,
                          .in = in,
                          .out = out,
                          .x = rows.floats(),
                          .kernel = w.floats(),
                          .bias = bias,
                          .activation = activation,
                          .dropout = d.dropout,
                          .residual = residual,
                          .y = y});
    return;
  }
  table.gemm({.m = n,
              .n = out,
              .k = in,
              .a = rows.floats(),
              .lda = in,
              .transpose_a = false,
              .b = w.floats(),
              .ldb = out,
              .transpose_b = false,
              .c = y,
              .ldc = out,
              .accumulate = false,
              .bias = bias,
              .activation = activation});
  if (goes_on) table.dropout({d.dropout, n * out, y, residual, y});
}

Grads gradients_together(Activation activation, const DropoutDraws& dropout, const Shape& x_shape, const Array& rows,
                         const Array& w, const Array& kept, const Array& dy, Wants wants) {
  const auto gradient = [&](std::size_t input, const Shape& shape) {
    return wants[input] ? empty(shape, dy.device()) : Array{};
  };
  const Array so_far = wants.take(0);
  const Array dx = so_far && so_far.sole() ? so_far : gradient(0, x_shape), dw = gradient(1, w.shape()),
              dbias = gradient(2, {w.dim(1)});
  kernels(dy.device())
      .linear_backward({.rows = rows.dim(0),
                        .in = w.dim(0),
                        .out = w.dim(1),
                        .x = rows.floats(),
                        .kernel = w.floats(),
                        .activation = activation,
                        .kept = floats_or_null(kept),
                        .dropout = dropout,
                        .dy = dy.floats(),
                        .dx_so_far = floats_or_null(so_far),
                        .dx = floats_or_null(dx),
                        .dkernel = floats_or_null(dw),
                        .dbias = floats_or_null(dbias)});
  return {dx, dw, dbias};
}

// `kept` is z where the slope is a function of z, else y, or nothing if f is linear.
Tensor recorded(const Dense& d, const Array& y, const Array& kept) {
  return record("linear", y, {&d.x, &d.kernel, &d.bias, &d.residual},
                [activation = d.activation, dropout = d.dropout, shape = d.x.shape(), rows = saved(d.x.value().rows()),
                 w = saved(d.kernel.value()), kept = saved(kept)](const Array& dy, Wants wants) -> Grads {
                  Grads grads;
                  if (linear_pays(rows.get().dim(0), w.get().dim(0), w.get().dim(1))) {
                    grads = gradients_together(activation, dropout, shape, rows, w, kept, dy, wants);
                  } else {
                    const Array df = dropout.rate > 0 ? dropped(dy, dropout) : dy;
                    const Array dz = activation_backward(activation, kept, df, default_alpha(activation)).rows();
                    grads = {wants[0] ? matmul_nt(dz, w).reshape(shape) : Array{},
                             wants[1] ? matmul_tn(rows, dz) : Array{}, wants[2] ? sum_rows(dz) : Array{}};
                  }
                  grads.push_back(wants[3] ? dy : Array{});
                  return grads;
                });
}

Array kept_of(const Dense& d, const Array& y) { return d.activation == Activation::linear ? Array{} : y; }

struct DeferredLinear : DeferredOperation {
  Dense dense;

  explicit DeferredLinear(const Dense& dense) : DeferredOperation(dense.shape()), dense(dense) {}
  void fill(std::byte* to) override { run(dense, dense.activation, reinterpret_cast<float*>(to)); }
  bool wants_grad() const override { return dense.wants_grad(); }
};

Tensor deferred(Dense d) {
  d.x = kept_alive(d.x), d.kernel = kept_alive(d.kernel), d.bias = kept_alive(d.bias);
  const Array y = deferred_array(d.x.device(), std::make_shared<DeferredLinear>(d));
  return recorded(d, y, kept_of(d, y));
}

}  // namespace

Tensor linear(const Tensor& any_x, const Tensor& any_kernel, const Tensor& any_bias, Activation activation) {
  const Tensor x = as_float32(any_x), kernel = as_float32(any_kernel);
  const Tensor bias = any_bias.defined() ? as_float32(any_bias) : Tensor();
  expect(kernel.rank() == 2, "linear", "kernel must have shape (in, out), got ", kernel.shape());
  expect(x.rank() >= 1, "linear", "x must have at least one dimension, got a scalar");
  const i64 in = kernel.dim(0), out = kernel.dim(1);
  expect(x.dim(-1) == in, "linear", "kernel takes ", in, " features, x has ", x.dim(-1));
  expect(!bias.defined() || bias.shape() == Shape{out}, "linear", "bias must have shape ", Shape{out}, ", got ",
         bias.defined() ? bias.shape() : Shape{});

  const Dense dense{x, kernel, bias, activation};
  if (deferring() && !needs_input(activation)) return deferred(dense);
  const bool keeps_input = needs_input(activation) && dense.wants_grad();
  const Array z_or_y = empty(dense.shape(), x.device());
  run(dense, keeps_input ? Activation::linear : activation, z_or_y.floats());
  const Array y = keeps_input ? activation_forward(activation, z_or_y, default_alpha(activation)) : z_or_y;
  return recorded(dense, y, kept_of(dense, z_or_y));
}

Tensor linear_with_dropout(const Tensor& result, const DropoutDraws& draws) {
  const auto before = deferred_as<DeferredLinear>(result);
  if (!before || before->dense.dropout.rate > 0) return {};
  Dense dense = before->dense;
  // The slope is one of the value, which a dropped element no longer tells; those of relu are zero then.
  if (dense.activation != Activation::linear && dense.activation != Activation::relu) return {};
  dense.dropout = draws;
  return deferred(dense);
}

Tensor linear_with_residual(const Tensor& result, const Tensor& residual) {
  const auto before = deferred_as<DeferredLinear>(result);
  if (!before || before->dense.activation != Activation::linear || residual.shape() != result.shape()) return {};
  Dense dense = before->dense;
  dense.residual = residual;
  const Array y = empty(result.shape(), result.device());
  run(dense, dense.activation, y.floats());
  return recorded(dense, y, {});
}

}  // namespace lw::ops
