#include "cpp/ops/conv.h"

#include "cpp/autograd/tape.h"
#include "cpp/backend/dispatch.h"
#include "cpp/kernels/conv.h"
#include "cpp/ops/activation.h"
#include "cpp/ops/float32.h"
#include "cpp/ops/reduce.h"

namespace lw::ops {

Tensor conv(const Tensor& any_x, const Tensor& any_kernel, const Tensor& any_bias, const ConvOptions& options,
            Activation activation) {
  const Tensor x = as_float32(any_x), kernel = as_float32(any_kernel);
  const Tensor bias = any_bias.defined() ? as_float32(any_bias) : Tensor();
  const i64 directions = options.strides.rank(), groups = options.groups;
  const char* name = directions == 1 ? "conv1d" : "conv2d";
  const char* grid = directions == 1 ? "places" : "height, width";
  expect(x.rank() == directions + 2, name, "x must have shape (batch, ", grid, ", channels), got ", x.shape());
  expect(kernel.rank() == directions + 2, name, "kernel must have shape (", grid, ", channels / groups, filters), got ",
         kernel.shape());
  expect_sizes(name, "strides", options.strides, directions);
  expect_sizes(name, "dilation_rate", options.dilation, directions);
  const i64 channels = x.dim(-1), filters = kernel.dim(-1);
  expect(groups >= 1 && channels % groups == 0 && filters % groups == 0, name, "groups must divide ", channels,
         " channels and ", filters, " filters, got ", groups);
  expect(kernel.dim(-2) == channels / groups, name, "kernel takes ", kernel.dim(-2), " channels, x has ", channels,
         " in ", groups, groups == 1 ? " group" : " groups");
  expect(!bias.defined() || bias.shape() == Shape{filters}, name, "bias must have shape ", Shape{filters}, ", got ",
         bias.defined() ? bias.shape() : Shape{});
  for (i64 axis = 0; axis < directions; ++axis)
    expect(kernel.dim(axis) >= 1, name, "kernel must have at least one tap, got shape ", kernel.shape());

  const auto along = [&](i64 axis) {
    return direction(name, "kernel", x.dim(1 + axis), kernel.dim(axis), options.strides[axis], options.dilation[axis],
                     options.padding);
  };
  const Direction width = along(-1 + directions), height = directions == 2 ? along(0) : Direction{1, 0};
  const auto above = [&](const Shape& sizes, i64 axis) { return directions == 2 ? sizes[axis] : 1; };
  const ConvShape shape = {.batch = x.dim(0),
                           .height = above(x.shape(), 1),
                           .width = x.dim(-2),
                           .channels = channels,
                           .out_height = height.out,
                           .out_width = width.out,
                           .filters = filters,
                           .kernel_height = above(kernel.shape(), 0),
                           .kernel_width = kernel.dim(-3),
                           .stride_height = above(options.strides, 0),
                           .stride_width = options.strides[-1],
                           .dilation_height = above(options.dilation, 0),
                           .dilation_width = options.dilation[-1],
                           .pad_top = height.before,
                           .pad_left = width.before,
                           .groups = groups};
  const Array w = kernel.value();
  const bool keeps_input = needs_input(activation) && wants_grad({&x, &kernel, &bias});
  Array y = empty(
      directions == 1 ? Shape{shape.batch, width.out, filters} : Shape{shape.batch, height.out, width.out, filters},
      x.device());
  kernels(x.device())
      .conv_forward({.shape = shape,
                     .x = x.value().floats(),
                     .w = w.floats(),
                     .bias = bias.defined() ? bias.value().floats() : nullptr,
                     .y = y.floats(),
                     .activation = keeps_input ? Activation::linear : activation});
  const Array kept = y;  // z where the slope is a function of z, else the value
  if (keeps_input) y = activation_forward(activation, kept, default_alpha(activation));

  return record(name, y, {&x, &kernel, &bias},
                [activation, shape, x = saved(x.value()), w = saved(w), kept = saved(kept)](const Array& dy,
                                                                                            Wants wants) -> Grads {
                  const Array dz = activation_backward(activation, kept, dy, default_alpha(activation));
                  Array dx, dw;
                  if (wants[0]) {
                    dx = empty(x.get().shape(), dy.device());
                    kernels(dy.device()).conv_backward_input({shape, dz.floats(), w.get().floats(), dx.floats()});
                  }
                  if (wants[1]) {
                    dw = empty(w.get().shape(), dy.device());
                    kernels(dy.device()).conv_backward_weight({shape, x.get().floats(), dz.floats(), dw.floats()});
                  }
                  return {dx, dw, wants[2] ? sum_rows(dz.rows()) : Array{}};
                });
}

}  // namespace lw::ops
