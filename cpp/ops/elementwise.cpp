#include "cpp/ops/elementwise.h"

#include <algorithm>

#include "cpp/autograd/tape.h"
#include "cpp/ops/float32.h"
#include "cpp/ops/linear.h"

namespace lw::ops {
namespace {

using enum Elementwise;

// y = f(a, b), with da and db as functions of dy, given where they are asked for and summed over repeated axes.
template <typename DA, typename DB>
Tensor binary(const char* name, Elementwise function, const Tensor& a, const Tensor& b, DA da, DB db) {
  const Shape shape = broadcast_shape(name, a.shape(), b.shape());
  return record(name, elementwise(function, {a.value(), b.value()}, shape), {&a, &b},
                [da, db, a_shape = a.shape(), b_shape = b.shape()](const Array& dy, Wants wants) -> Grads {
                  return {wants[0] ? sum_to(da(dy), a_shape) : Array{}, wants[1] ? sum_to(db(dy), b_shape) : Array{}};
                });
}

template <typename DX>
Tensor unary(const char* name, const Array& y, const Tensor& x, DX dx) {
  return record(name, y, {&x}, [dx](const Array& dy, Wants) -> Grads { return {dx(dy)}; });
}

Array same(const Array& dy) { return dy; }
Array negated(const Array& dy) { return elementwise(Elementwise::negate, {dy}, dy.shape()); }

}  // namespace

Tensor add(const Tensor& any_a, const Tensor& any_b) {
  const Tensor a = as_float32(any_a), b = as_float32(any_b);
  if (const Tensor y = linear_with_residual(b, a); y.defined()) return y;
  if (const Tensor y = linear_with_residual(a, b); y.defined()) return y;
  return binary("add", Elementwise::add, a, b, same, same);
}

Tensor subtract(const Tensor& any_a, const Tensor& any_b) {
  return binary("subtract", Elementwise::subtract, as_float32(any_a), as_float32(any_b), same, negated);
}

Tensor multiply(const Tensor& any_a, const Tensor& any_b) {
  const Tensor a = as_float32(any_a), b = as_float32(any_b);
  return binary(
      "multiply", Elementwise::multiply, a, b,
      [b = wants_grad({&a}) ? saved(b.value()) : Saved()](const Array& dy) {
        return elementwise(Elementwise::multiply, {dy, b}, dy.shape());
      },
      [a = wants_grad({&b}) ? saved(a.value()) : Saved()](const Array& dy) {
        return elementwise(Elementwise::multiply, {dy, a}, dy.shape());
      });
}

Tensor divide(const Tensor& any_a, const Tensor& any_b) {
  const Tensor a = as_float32(any_a), b = as_float32(any_b);
  return binary(
      "divide", Elementwise::divide, a, b,
      [b = saved(b.value())](const Array& dy) { return elementwise(Elementwise::divide, {dy, b}, dy.shape()); },
      [a = wants_grad({&b}) ? saved(a.value()) : Saved(), b = saved(b.value())](const Array& dy) {
        return elementwise(divide_gradient, {dy, a, b}, dy.shape());
      });
}

Tensor power(const Tensor& any_base, const Tensor& any_exponent) {
  const Tensor base = as_float32(any_base), exponent = as_float32(any_exponent);
  const Saved a = saved(base.value()), b = saved(exponent.value());
  return binary(
      "power", Elementwise::power, base, exponent,
      [a, b](const Array& dy) { return elementwise(power_base_gradient, {dy, a, b}, dy.shape()); },
      [a, b](const Array& dy) { return elementwise(power_exponent_gradient, {dy, a, b}, dy.shape()); });
}

Tensor maximum(const Tensor& any_a, const Tensor& any_b) {  // at a tie the gradient is a's
  const Tensor left = as_float32(any_a), right = as_float32(any_b);
  const Saved a = saved(left.value()), b = saved(right.value());
  return binary(
      "maximum", Elementwise::maximum, left, right,
      [a, b](const Array& dy) { return elementwise(if_not_less, {dy, a, b}, dy.shape()); },
      [a, b](const Array& dy) { return elementwise(if_less, {dy, a, b}, dy.shape()); });
}

Tensor minimum(const Tensor& any_a, const Tensor& any_b) {
  const Tensor left = as_float32(any_a), right = as_float32(any_b);
  const Saved a = saved(left.value()), b = saved(right.value());
  return binary(
      "minimum", Elementwise::minimum, left, right,
      [a, b](const Array& dy) { return elementwise(if_not_less, {dy, b, a}, dy.shape()); },
      [a, b](const Array& dy) { return elementwise(if_less, {dy, b, a}, dy.shape()); });
}

Tensor where(const Tensor& any_condition, const Tensor& any_a, const Tensor& any_b) {
  const Tensor condition = as_float32(any_condition), a = as_float32(any_a), b = as_float32(any_b);
  const Shape shape = broadcast_shape("where", condition.shape(), broadcast_shape("where", a.shape(), b.shape()));
  return record("where", elementwise(Elementwise::where, {condition.value(), a.value(), b.value()}, shape), {&a, &b},
                [condition = saved(condition.value()), a_shape = a.shape(), b_shape = b.shape()](const Array& dy,
                                                                                                 Wants wants) -> Grads {
                  const Array zero = full({}, 0.f);
                  Array da, db;
                  if (wants[0]) da = elementwise(Elementwise::where, {condition, dy, zero}, dy.shape());
                  if (wants[1]) db = elementwise(Elementwise::where, {condition, zero, dy}, dy.shape());
                  return {da ? sum_to(da, a_shape) : da, db ? sum_to(db, b_shape) : db};
                });
}

Tensor negate(const Tensor& any) {
  const Tensor x = as_float32(any);
  return unary("negate", negated(x.value()), x, negated);
}

Tensor absolute(const Tensor& any) {
  const Tensor x = as_float32(any);
  return unary("absolute", elementwise(Elementwise::absolute, {x.value()}, x.shape()), x,
               [x = saved(x.value())](const Array& dy) { return elementwise(multiply_sign, {dy, x}, dy.shape()); });
}

Tensor sign(const Tensor& any) {
  const Tensor x = as_float32(any);
  return Tensor(elementwise(Elementwise::sign, {x.value()}, x.shape()));
}

Tensor exp(const Tensor& any) {
  const Tensor x = as_float32(any);
  const Array y = elementwise(Elementwise::exp, {x.value()}, x.shape());
  return unary("exp", y, x,
               [y = saved(y)](const Array& dy) { return elementwise(Elementwise::multiply, {dy, y}, dy.shape()); });
}

Tensor log(const Tensor& any) {
  const Tensor x = as_float32(any);
  return unary(
      "log", elementwise(Elementwise::log, {x.value()}, x.shape()), x,
      [x = saved(x.value())](const Array& dy) { return elementwise(Elementwise::divide, {dy, x}, dy.shape()); });
}

Tensor log1p(const Tensor& any) {
  const Tensor x = as_float32(any);
  return unary(
      "log1p", elementwise(Elementwise::log1p, {x.value()}, x.shape()), x,
      [x = saved(x.value())](const Array& dy) { return elementwise(divide_by_shifted, {dy, x}, dy.shape(), 1.f); });
}

Tensor sqrt(const Tensor& any) {
  const Tensor x = as_float32(any);
  const Array y = elementwise(Elementwise::sqrt, {x.value()}, x.shape());
  return unary("sqrt", y, x, [y = saved(y)](const Array& dy) { return elementwise(half_ratio, {dy, y}, dy.shape()); });
}

Tensor square(const Tensor& any) {
  const Tensor x = as_float32(any);
  return unary("square", elementwise(Elementwise::square, {x.value()}, x.shape()), x,
               [x = saved(x.value())](const Array& dy) { return elementwise(double_product, {dy, x}, dy.shape()); });
}

Tensor clip(const Tensor& any, float low, float high) {
  const Tensor x = as_float32(any);
  expect(low <= high, "clip", "low must be <= high, got ", low, " and ", high);
  return unary("clip", elementwise(Elementwise::clip, {x.value()}, x.shape(), low, high), x,
               [low, high, x = saved(x.value())](const Array& dy) {
                 return elementwise(if_within, {dy, x}, dy.shape(), low, high);
               });
}

}  // namespace lw::ops
