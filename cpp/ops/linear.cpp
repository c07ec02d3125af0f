#include "cpp/ops/linear.h"

#include "cpp/autograd/tape.h"
#include "cpp/backend/dispatch.h"
#include "cpp/ops/activation.h"
#include "cpp/ops/float32.h"
#include "cpp/ops/matmul.h"
#include "cpp/ops/reduce.h"

namespace lw::ops {
namespace {

Grads gradients_together(Activation activation, const Shape& x_shape, const Array& rows, const Array& w,
                         const Array& kept, const Array& dy, Wants wants) {
  const auto gradient = [&](std::size_t input, const Shape& shape) {
    return wants[input] ? empty(shape, dy.device()) : Array{};
  };
  const Array dx = gradient(0, x_shape), dw = gradient(1, w.shape()), dbias = gradient(2, {w.dim(1)});
  kernels(dy.device())
      .linear_backward({.rows = rows.dim(0),
                        .in = w.dim(0),
                        .out = w.dim(1),
                        .x = rows.floats(),
                        .kernel = w.floats(),
                        .activation = activation,
                        .kept = kept.floats(),
                        .dy = dy.floats(),
                        .dx = floats_or_null(dx),
                        .dkernel = floats_or_null(dw),
                        .dbias = floats_or_null(dbias)});
  return {dx, dw, dbias};
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

  const Array rows = x.value().rows(), w = kernel.value();
  const bool keeps_input = needs_input(activation) && wants_grad({&x, &kernel, &bias});
  Array y = empty(with_last(x.shape(), out), x.device());
  kernels(x.device())
      .gemm({.m = rows.dim(0),
             .n = out,
             .k = in,
             .a = rows.floats(),
             .lda = in,
             .transpose_a = false,
             .b = w.floats(),
             .ldb = out,
             .transpose_b = false,
             .c = y.floats(),
             .ldc = out,
             .accumulate = false,
             .bias = bias.defined() ? bias.value().floats() : nullptr,
             .activation = keeps_input ? Activation::linear : activation});
  const Array kept = y;  // z where the slope is a function of z, else the value
  if (keeps_input) y = activation_forward(activation, kept, default_alpha(activation));

  return record("linear", y, {&x, &kernel, &bias},
                [activation, shape = x.shape(), rows = saved(rows), w = saved(w), kept = saved(kept)](
                    const Array& dy, Wants wants) -> Grads {
                  if (linear_backward_pays(rows.get().dim(0), w.get().dim(0), w.get().dim(1)))
                    return gradients_together(activation, shape, rows, w, kept, dy, wants);
                  const Array dz = activation_backward(activation, kept, dy, default_alpha(activation)).rows();
                  return {wants[0] ? matmul_nt(dz, w).reshape(shape) : Array{},
                          wants[1] ? matmul_tn(rows, dz) : Array{}, wants[2] ? sum_rows(dz) : Array{}};
                });
}

}  // namespace lw::ops
