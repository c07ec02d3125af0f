#include "cpp/ops/conv.h"

#include <utility>

#include "cpp/autograd/deferral.h"
#include "cpp/autograd/tape.h"
#include "cpp/backend/dispatch.h"
#include "cpp/kernels/conv.h"
#include "cpp/ops/activation.h"
#include "cpp/ops/float32.h"
#include "cpp/ops/reduce.h"

namespace lw::ops {
namespace {

const char* name_of_conv(const ConvOptions& options) { return options.strides.rank() == 1 ? "conv1d" : "conv2d"; }

ConvShape shape_of(const Tensor& x, const Tensor& kernel, const Tensor& bias, const ConvOptions& options) {
  const i64 directions = options.strides.rank(), groups = options.groups;
  const char* name = name_of_conv(options);
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
  return {.batch = x.dim(0),
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
}

// Of y.
Shape result_shape(const ConvShape& s, i64 directions) {
  return directions == 1 ? Shape{s.batch, s.out_width, s.filters}
                         : Shape{s.batch, s.out_height, s.out_width, s.filters};
}

void run(const ConvShape& shape, const Tensor& x, const Tensor& kernel, const Tensor& bias, Activation activation,
         float* y) {
  kernels(x.device())
      .conv_forward({.shape = shape,
                     .x = x.value().floats(),
                     .w = kernel.value().floats(),
                     .bias = bias.defined() ? bias.value().floats() : nullptr,
                     .y = y,
                     .activation = activation});
}

}  // namespace

struct DeferredConv : DeferredOperation {
  ConvShape conv;
  Tensor x, kernel, bias;
  Activation activation;

  DeferredConv(const ConvShape& conv, const Shape& size, Tensor x, Tensor kernel, Tensor bias, Activation activation)
      : DeferredOperation(size),
        conv(conv),
        x(std::move(x)),
        kernel(std::move(kernel)),
        bias(std::move(bias)),
        activation(activation) {}
  void fill(std::byte* to) override { run(conv, x, kernel, bias, activation, reinterpret_cast<float*>(to)); }
  bool wants_grad() const override { return lw::wants_grad({&x, &kernel, &bias}); }
};

Tensor conv(const Tensor& any_x, const Tensor& any_kernel, const Tensor& any_bias, const ConvOptions& options,
            Activation activation) {
  Tensor x = as_float32(any_x), kernel = as_float32(any_kernel);
  Tensor bias = any_bias.defined() ? as_float32(any_bias) : Tensor();
  const ConvShape shape = shape_of(x, kernel, bias, options);
  const Shape size = result_shape(shape, options.strides.rank());
  Array y, kept;  // z where the slope is a function of z, else the value
  if (deferring() && shape.groups == 1 && !needs_input(activation)) {
    x = kept_alive(x), kernel = kept_alive(kernel), bias = kept_alive(bias);
    y = kept = deferred_array(x.device(), std::make_shared<DeferredConv>(shape, size, x, kernel, bias, activation));
  } else {
    const bool keeps_input = needs_input(activation) && wants_grad({&x, &kernel, &bias});
    y = kept = empty(size, x.device());
    run(shape, x, kernel, bias, keeps_input ? Activation::linear : activation, kept.floats());
    if (keeps_input) y = activation_forward(activation, kept, default_alpha(activation));
  }

  return record(name_of_conv(options), y, {&x, &kernel, &bias},
                [activation, shape, x = saved(x.value()), w = saved(kernel.value()), kept = saved(kept)](
                    const Array& dy, Wants wants) -> Grads {
                  const Array so_far = wants.take(0);
                  Array dx;
                  if (wants[0]) dx = so_far && so_far.sole() ? so_far : empty(x.get().shape(), dy.device());
                  const Array dw = wants[1] ? empty(w.get().shape(), dy.device()) : Array{};
                  const Array dbias = wants[2] ? empty({shape.filters}, dy.device()) : Array{};
                  kernels(dy.device())
                      .conv_backward({.shape = shape,
                                      .x = x.get().floats(),
                                      .w = w.get().floats(),
                                      .activation = activation,
                                      .kept = activation == Activation::linear ? nullptr : kept.get().floats(),
                                      .dy = dy.floats(),
                                      .dx_so_far = floats_or_null(so_far),
                                      .dx = floats_or_null(dx),
                                      .dw = floats_or_null(dw),
                                      .dbias = floats_or_null(dbias)});
                  return {dx, dw, dbias};
                });
}

std::shared_ptr<const DeferredConv> deferred_conv(const Tensor& result) { return deferred_as<DeferredConv>(result); }

Tensor conv_max_pool(const DeferredConv& conv, const PoolShape& pool, const Shape& size) {
  const Tensor &x = conv.x, &kernel = conv.kernel, &bias = conv.bias;
  const Array y = empty(size, x.device());
  const Array winner = wants_grad({&x, &kernel, &bias}) ? empty(size, x.device()) : Array{};
  kernels(x.device())
      .conv_pool_forward({.conv = conv.conv,
                          .pool = pool,
                          .x = x.value().floats(),
                          .w = kernel.value().floats(),
                          .bias = bias.defined() ? bias.value().floats() : nullptr,
                          .activation = conv.activation,
                          .y = y.floats(),
                          .winner = floats_or_null(winner)});
  return record("conv_max_pool", y, {&x, &kernel, &bias},
                [conv = conv.conv, pool, activation = conv.activation, x = saved(x.value()), w = saved(kernel.value()),
                 y = saved(y), winner = saved(winner)](const Array& dy, Wants wants) -> Grads {
                  const Array so_far = wants.take(0);
                  Array dx;
                  if (wants[0]) dx = so_far && so_far.sole() ? so_far : empty(x.get().shape(), dy.device());
                  const Array dw = wants[1] ? empty(w.get().shape(), dy.device()) : Array{};
                  const Array dbias = wants[2] ? empty({conv.filters}, dy.device()) : Array{};
                  kernels(dy.device())
                      .conv_pool_backward({.conv = conv,
                                           .pool = pool,
                                           .x = x.get().floats(),
                                           .w = w.get().floats(),
                                           .activation = activation,
                                           .y = y.get().floats(),
                                           .winner = winner.get().floats(),
                                           .dy = dy.floats(),
                                           .dx_so_far = floats_or_null(so_far),
                                           .dx = floats_or_null(dx),
                                           .dw = floats_or_null(dw),
                                           .dbias = floats_or_null(dbias)});
                  return {dx, dw, dbias};
                });
}

}  // namespace lw::ops
