#include "cpp/ops/pool.h"

#include "cpp/autograd/tape.h"
#include "cpp/backend/dispatch.h"
#include "cpp/kernels/pool.h"
#include "cpp/ops/conv.h"
#include "cpp/ops/float32.h"

namespace lw::ops {
namespace {

PoolShape pool_shape(const char* name, const Shape& x, const Shape& pool, const Shape& strides, Padding padding) {
  const i64 directions = pool.rank();
  expect(directions == 1 || directions == 2, name, "pool_size must have 1 or 2 sizes, got ", pool);
  expect(x.rank() == directions + 2, name, "x must have shape (batch, ", directions == 1 ? "places" : "height, width",
         ", channels), got ", x);
  expect_sizes(name, "pool_size", pool, directions);
  expect_sizes(name, "strides", strides, directions);
  const auto along = [&](i64 axis) {
    return direction(name, "pool", x[1 + axis], pool[axis], strides[axis], 1, padding);
  };
  const Direction width = along(directions - 1), height = directions == 2 ? along(0) : Direction{1, 0};
  const auto above = [&](i64 size) { return directions == 2 ? size : 1; };
  return {.batch = x[0],
          .height = above(x[1]),
          .width = x[-2],
          .channels = x[-1],
          .out_height = height.out,
          .out_width = width.out,
          .pool_height = above(pool[0]),
          .pool_width = pool[-1],
          .stride_height = above(strides[0]),
          .stride_width = strides[-1],
          .pad_top = height.before,
          .pad_left = width.before};
}

Shape result_shape(const Shape& x, const PoolShape& s) {
  return x.rank() == 3 ? Shape{s.batch, s.out_width, s.channels}
                       : Shape{s.batch, s.out_height, s.out_width, s.channels};
}

}  // namespace

Tensor max_pool(const Tensor& any, const Shape& pool, const Shape& strides, Padding padding) {
  const Tensor x = as_float32(any);
  const char* name = pool.rank() == 1 ? "max_pool1d" : "max_pool2d";
  const PoolShape shape = pool_shape(name, x.shape(), pool, strides, padding);
  if (const auto before = deferred_conv(x)) return conv_max_pool(*before, shape, result_shape(x.shape(), shape));
  const Array y = empty(result_shape(x.shape(), shape), x.device());
  const Array winner = wants_grad({&x}) ? empty(y.shape(), x.device()) : Array{};
  kernels(x.device()).max_pool_forward({shape, x.value().floats(), y.floats(), floats_or_null(winner)});
  return record(name, y, {&x}, [shape, size = x.shape(), winner = saved(winner)](const Array& dy, Wants) -> Grads {
    const Array dx = empty(size, dy.device());
    kernels(dy.device()).max_pool_backward({shape, dy.floats(), winner.get().floats(), dx.floats()});
    return {dx};
  });
}

Tensor average_pool(const Tensor& any, const Shape& pool, const Shape& strides, Padding padding) {
  const Tensor x = as_float32(any);
  const char* name = pool.rank() == 1 ? "average_pool1d" : "average_pool2d";
  const PoolShape shape = pool_shape(name, x.shape(), pool, strides, padding);
  const Array y = empty(result_shape(x.shape(), shape), x.device());
  kernels(x.device()).average_pool_forward({shape, x.value().floats(), y.floats()});
  return record(name, y, {&x}, [shape, size = x.shape()](const Array& dy, Wants) -> Grads {
    const Array dx = empty(size, dy.device());
    kernels(dy.device()).average_pool_backward({shape, dy.floats(), dx.floats()});
    return {dx};
  });
}

}  // namespace lw::ops
