#include "cpp/ops/linear.h"

#include "cpp/autograd/tape.h"
#include "cpp/backend/dispatch.h"
#include "cpp/ops/activation.h"
#include "cpp/ops/float32.h"
#include "cpp/ops/matmul.h"
#include "cpp/ops/reduce.h"

namespace lw::ops {

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
                  const Array dz = activation_backward(activation, kept, dy, default_alpha(activation)).rows();
                  return {wants[0] ? matmul_nt(dz, w).reshape(shape) : Array{},
                          wants[1] ? matmul_tn(rows, dz) : Array{}, wants[2] ? sum_rows(dz) : Array{}};
                });
}

}  // namespace lw::ops
