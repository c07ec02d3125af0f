#include "cpp/ops/layout.h"

#include <algorithm>

#include "cpp/autograd/tape.h"
#include "cpp/backend/dispatch.h"
#include "cpp/ops/elementwise.h"
#include "cpp/ops/float32.h"

namespace lw::ops {
namespace {

using Strides = std::vector<i64>;

Strides strides_of(const Shape& shape) {
  Strides strides(static_cast<std::size_t>(shape.rank()));
  i64 step = 1;
  for (i64 axis = shape.rank() - 1; axis >= 0; --axis) {
    strides[static_cast<std::size_t>(axis)] = step;
    step *= shape[axis];
  }
  return strides;
}

// Offsets are in elements. Axes that both sides run through in one step are joined.
void copy(const Shape& shape, const Array& from, i64 from_offset, const Strides& from_strides, Array& to, i64 to_offset,
          const Strides& to_strides) {
  const i64 size = size_of(from.dtype());
  StridedCopy plan{.rank = 0,
                   .shape = {},
                   .element_size = size,
                   .from = from.raw() + from_offset * size,
                   .from_stride = {},
                   .to = to.raw() + to_offset * size,
                   .to_stride = {}};
  for (i64 axis = 0; axis < shape.rank(); ++axis) {
    const i64 in_from = from_strides[static_cast<std::size_t>(axis)],
              in_to = to_strides[static_cast<std::size_t>(axis)];
    if (shape[axis] == 1) continue;
    const i64 last = plan.rank - 1;
    const bool joins =
        plan.rank > 0 && plan.from_stride[last] == in_from * shape[axis] && plan.to_stride[last] == in_to * shape[axis];
    const i64 at = joins ? last : plan.rank++;
    plan.shape[at] = joins ? plan.shape[at] * shape[axis] : shape[axis];
    plan.from_stride[at] = in_from;
    plan.to_stride[at] = in_to;
  }
  if (shape.count() > 0) kernels(from.device()).strided_copy(plan);
}

Array transposed(const Array& x, const std::vector<i64>& axes) {
  const Strides strides = strides_of(x.shape());
  Shape shape;
  Strides from;
  for (i64 axis : axes) {
    shape.push_back(x.dim(axis));
    from.push_back(strides[static_cast<std::size_t>(axis)]);
  }
  Array y = empty(shape, x.device(), x.dtype());
  copy(shape, x, 0, from, y, 0, strides_of(shape));
  return y;
}

// Where slices of an array of `shape` begin, and their strides.
struct Window {
  i64 offset = 0;
  Shape shape;
  Strides strides;

  Window(const Shape& whole, const std::vector<Slice>& slices) : strides(strides_of(whole)) {
    for (std::size_t axis = 0; axis < slices.size(); ++axis) {
      offset += slices[axis].begin * strides[axis];
      strides[axis] *= slices[axis].step;
      shape.push_back(slices[axis].count);
    }
  }
};

Array sliced(const Array& x, const std::vector<Slice>& slices) {
  const Window window(x.shape(), slices);
  Array y = empty(window.shape, x.device(), x.dtype());
  copy(window.shape, x, window.offset, window.strides, y, 0, strides_of(window.shape));
  return y;
}

std::vector<Slice> whole(const Shape& shape) {
  std::vector<Slice> slices;
  for (i64 size : shape) slices.push_back({0, 1, size});
  return slices;
}

}  // namespace

Tensor reshape(const Tensor& x, const std::vector<i64>& sizes) {
  i64 known = 1, open = -1;
  for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
    if (sizes[axis] == -1) {
      expect(open < 0, "reshape", "only one size may be -1");
      open = static_cast<i64>(axis);
    } else {
      known *= sizes[axis];
    }
  }
  std::vector<i64> filled = sizes;
  if (open >= 0) filled[static_cast<std::size_t>(open)] = known == 0 ? 0 : x.count() / known;
  return record("reshape", x.value().reshape(Shape(filled.data(), filled.size())), {&x},
                [from = x.shape()](const Array& dy, Wants) -> Grads { return {dy.reshape(from)}; });
}

Tensor transpose(const Tensor& x, const std::optional<std::vector<i64>>& given) {
  std::vector<i64> axes, inverse(static_cast<std::size_t>(x.rank()), -1);
  for (i64 i = 0; i < x.rank(); ++i) axes.push_back(x.rank() - 1 - i);
  if (given) axes = *given;
  expect(static_cast<i64>(axes.size()) == x.rank(), "transpose", "needs one axis for each of ", x.rank(),
         " dimensions, got ", axes.size());
  for (std::size_t i = 0; i < axes.size(); ++i) {
    axes[i] = x.shape().axis(axes[i]);
    i64& from = inverse[static_cast<std::size_t>(axes[i])];
    expect(from < 0, "transpose", "axis ", axes[i], " is named twice");
    from = static_cast<i64>(i);
  }
  return record("transpose", transposed(x.value(), axes), {&x},
                [inverse](const Array& dy, Wants) -> Grads { return {transposed(dy, inverse)}; });
}

Tensor broadcast_to(const Tensor& any, const Shape& shape) {
  const Tensor x = as_float32(any);
  expect(broadcast_shape("broadcast_to", x.shape(), shape) == shape, "broadcast_to", "shape ", x.shape(),
         " does not broadcast to ", shape);
  return record("broadcast_to", lw::broadcast_to(x.value(), shape), {&x},
                [from = x.shape()](const Array& dy, Wants) -> Grads { return {sum_to(dy, from)}; });
}

Tensor concatenate(const std::vector<Tensor>& tensors, i64 axis) {
  expect(!tensors.empty(), "concatenate", "needs at least one tensor");
  Shape shape = tensors[0].shape();
  expect(shape.rank() > 0, "concatenate", "scalars have no axis to join along");
  axis = shape.axis(axis);
  i64 total = 0;
  std::vector<i64> sizes;
  for (const Tensor& tensor : tensors) {
    Shape others = tensor.shape();
    expect(others.rank() == shape.rank(), "concatenate", "all must have ", shape.rank(), " dimensions, one has shape ",
           others);
    sizes.push_back(others[axis]);
    total += others[axis];
    others.set(axis, shape[axis]);
    expect(others == shape, "concatenate", "all sizes but axis ", axis, " must agree, got ", tensor.shape(), " beside ",
           shape);
    expect_type(tensor.dtype() == tensors[0].dtype(), "concatenate", "all must be of one dtype, got ",
                name_of(tensor.dtype()), " beside ", name_of(tensors[0].dtype()));
  }
  shape.set(axis, total);
  Array y = empty(shape, tensors[0].device(), tensors[0].dtype());
  const Strides strides = strides_of(shape);
  const i64 step = strides[static_cast<std::size_t>(axis)];
  std::vector<const Tensor*> inputs;
  i64 begin = 0;
  for (const Tensor& tensor : tensors) {
    copy(tensor.shape(), tensor.value(), 0, strides_of(tensor.shape()), y, begin * step, strides);
    begin += tensor.dim(axis);
    inputs.push_back(&tensor);
  }
  return record("concatenate", y, inputs, [axis, sizes](const Array& dy, Wants wants) -> Grads {
    Grads grads(sizes.size());
    std::vector<Slice> slices = whole(dy.shape());
    Slice& part = slices[static_cast<std::size_t>(axis)];
    part.count = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      part = {part.begin + part.count, 1, sizes[i]};
      if (wants[i]) grads[i] = sliced(dy, slices);
    }
    return grads;
  });
}

Tensor slice(const Tensor& x, const std::vector<Slice>& slices, const Shape& shape) {
  return record("slice", sliced(x.value(), slices).reshape(shape), {&x},
                [slices, from = x.shape()](const Array& dy, Wants) -> Grads {
                  Array dx = zeros(from, dy.device());
                  const Window window(from, slices);
                  copy(window.shape, dy, 0, strides_of(window.shape), dx, window.offset, window.strides);
                  return {dx};
                });
}

}  // namespace lw::ops
