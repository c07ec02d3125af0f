#include <algorithm>

#include "cpp/backend/dispatch.h"
#include "cpp/ops/elementwise.h"
#include "cpp/ops/reduce.h"

namespace lw {
namespace {

// An axis is dropped if its size is 1, and joined with the one before it if every input runs through both in one step.
void add_axis(ElementwiseMap& map, int inputs, i64 size, const i64* strides) {
  if (size == 1) return;
  if (map.rank > 0) {
    const i64 last = map.rank - 1;
    bool joins = true;
    for (int i = 0; i < inputs; ++i) joins = joins && map.stride[i][last] == strides[i] * size;
    if (joins) {
      map.shape[last] *= size;
      for (int i = 0; i < inputs; ++i) map.stride[i][last] = strides[i];
      return;
    }
  }
  map.shape[map.rank] = size;
  for (int i = 0; i < inputs; ++i) map.stride[i][map.rank] = strides[i];
  ++map.rank;
}

// Strides of `x` seen as `shape`: 0 along repeated axes.
void fill_strides(const Shape& x, const Shape& shape, i64* strides) {
  i64 step = 1;
  for (i64 axis = shape.rank() - 1; axis >= 0; --axis) {
    const i64 own = axis - shape.rank() + x.rank();
    const i64 size = own < 0 ? 1 : x[own];
    strides[axis] = size == 1 ? 0 : step;
    step *= size;
  }
}

}  // namespace

Shape broadcast_shape(const char* operation, const Shape& a, const Shape& b) {
  if (a == b) return a;
  const i64 rank = std::max(a.rank(), b.rank());
  Shape shape;
  for (i64 axis = 0; axis < rank; ++axis) {
    const i64 in_a = axis - rank + a.rank(), in_b = axis - rank + b.rank();
    const i64 of_a = in_a < 0 ? 1 : a[in_a], of_b = in_b < 0 ? 1 : b[in_b];
    expect(of_a == of_b || of_a == 1 || of_b == 1, operation, "shapes ", a, " and ", b, " do not broadcast");
    shape.push_back(of_a == 1 ? of_b : of_a);
  }
  return shape;
}

Array elementwise(Elementwise function, std::initializer_list<Array> inputs, const Shape& shape, float s, float t) {
  const Device device = inputs.begin()->device();
  Array out = empty(shape, device);
  ElementwiseMap map;
  map.function = function;
  map.rank = 0;
  map.out = out.floats();
  map.s = s;
  map.t = t;
  i64 strides[ElementwiseMap::most_inputs][Shape::max_rank];
  int count = 0;
  for (const Array& input : inputs) {
    map.input[count] = input.floats();
    fill_strides(input.shape(), shape, strides[count++]);
  }
  for (i64 axis = 0; axis < shape.rank(); ++axis) {
    i64 at_axis[ElementwiseMap::most_inputs];
    for (int i = 0; i < count; ++i) at_axis[i] = strides[i][axis];
    add_axis(map, count, shape[axis], at_axis);
  }
  kernels(device).elementwise(map);
  return out;
}

Array scaled(const Array& x, float factor) {
  return !x || factor == 1.f ? x : elementwise(Elementwise::scale, {x}, x.shape(), factor);
}

Array broadcast_to(const Array& x, const Shape& shape) {
  return x.shape() == shape ? x : elementwise(Elementwise::scale, {x}, shape, 1.f);
}

Array sum_to(const Array& dy, const Shape& shape) {
  if (dy.shape() == shape) return dy;
  std::vector<i64> axes;
  for (i64 axis = 0; axis < dy.rank(); ++axis) {
    const i64 own = axis - dy.rank() + shape.rank();
    if (own < 0 || (shape[own] == 1 && dy.dim(axis) != 1)) axes.push_back(axis);
  }
  return reduce_axes(Reduction::sum, dy, axes).reshape(shape);
}

}  // namespace lw
