#include "cpp/ops/reduce.h"

#include <algorithm>
#include <numeric>

#include "cpp/autograd/tape.h"
#include "cpp/backend/dispatch.h"
#include "cpp/ops/elementwise.h"
#include "cpp/ops/float32.h"

namespace lw {
namespace {

// Which axes go, and the shape with and without them.
struct Plan {
  std::vector<i64> axes;
  Shape kept, result;
  i64 count = 1;  // elements behind one result

  Plan(const char* operation, const Shape& shape, const ops::Axes& given, bool keepdims) {
    if (given) {
      for (i64 axis : *given) {
        expect(axis >= -shape.rank() && axis < shape.rank(), operation, "axis ", axis, " is out of range for shape ",
               shape);
        axes.push_back(shape.axis(axis));
      }
      std::sort(axes.begin(), axes.end());
      expect(std::adjacent_find(axes.begin(), axes.end()) == axes.end(), operation, "an axis is named twice");
    } else {
      axes.resize(static_cast<std::size_t>(shape.rank()));
      std::iota(axes.begin(), axes.end(), i64{0});
    }
    kept = shape;
    for (i64 axis : axes) {
      count *= shape[axis];
      kept.set(axis, 1);
    }
    for (i64 axis = 0; axis < shape.rank(); ++axis)
      if (keepdims || !std::binary_search(axes.begin(), axes.end(), axis)) result.push_back(kept[axis]);
  }
};

i64 product(const Shape& shape, i64 begin, i64 end) {
  i64 result = 1;
  for (i64 axis = begin; axis < end; ++axis) result *= shape[axis];
  return result;
}

Tensor extreme(const char* name, Reduction reduction, const Tensor& any, const ops::Axes& axes, bool keepdims) {
  const Tensor x = as_float32(any);
  const Plan plan(name, x.shape(), axes, keepdims);
  expect(plan.count > 0 || plan.result.count() == 0, name, "of no elements, x has shape ", x.shape());
  const Array y = reduce_axes(reduction, x.value(), plan.axes);
  return record(name, y.reshape(plan.result), {&x},
                [plan, x = saved(x.value()), y = saved(y)](const Array& dy, Wants) -> Grads {
                  const Shape& shape = x.get().shape();
                  const Array winners = elementwise(Elementwise::equal, {x, y.get().reshape(plan.kept)}, shape);
                  const Array ties = reduce_axes(Reduction::sum, winners, plan.axes).reshape(plan.kept);
                  const Array share = elementwise(Elementwise::divide, {dy.reshape(plan.kept), ties}, plan.kept);
                  return {elementwise(Elementwise::multiply, {winners, share}, shape)};
                });
}

}  // namespace

Array reduce_axes(Reduction reduction, const Array& x, const std::vector<i64>& axes) {
  Array result = axes.empty() ? x.copy() : x;
  for (std::size_t last = axes.size(); last > 0;) {  // runs of neighbouring axes, the last first
    std::size_t first = last - 1;
    while (first > 0 && axes[first - 1] == axes[first] - 1) --first;
    const i64 begin = axes[first], end = axes[last - 1] + 1;
    Shape shape(result.shape().begin(), static_cast<std::size_t>(begin));
    for (i64 axis = end; axis < result.rank(); ++axis) shape.push_back(result.dim(axis));
    const Array from = result;
    result = empty(shape, x.device());
    kernels(x.device())
        .reduce({reduction, product(from.shape(), 0, begin), product(from.shape(), begin, end),
                 product(from.shape(), end, from.rank()), from.floats(), result.floats()});
    last = first;
  }
  return result;
}

Array sum_rows(const Array& x) { return reduce_axes(Reduction::sum, x, {0}); }

namespace ops {

Tensor sum(const Tensor& any, const Axes& axes, bool keepdims) {
  const Tensor x = as_float32(any);
  const Plan plan("sum", x.shape(), axes, keepdims);
  return record("sum", reduce_axes(Reduction::sum, x.value(), plan.axes).reshape(plan.result), {&x},
                [kept = plan.kept, shape = x.shape()](const Array& dy, Wants) -> Grads {
                  return {broadcast_to(dy.reshape(kept), shape)};
                });
}

Tensor mean(const Tensor& any, const Axes& axes, bool keepdims) {
  const Tensor x = as_float32(any);
  const Plan plan("mean", x.shape(), axes, keepdims);
  const float share = 1.f / static_cast<float>(plan.count);
  const Array total = reduce_axes(Reduction::sum, x.value(), plan.axes).reshape(plan.result);
  return record("mean", elementwise(Elementwise::scale, {total}, plan.result, share), {&x},
                [share, kept = plan.kept, shape = x.shape()](const Array& dy, Wants) -> Grads {
                  return {elementwise(Elementwise::scale, {dy.reshape(kept)}, shape, share)};
                });
}

Tensor variance(const Tensor& any, const Axes& axes, bool keepdims) {
  const Tensor x = as_float32(any);
  const Plan plan("variance", x.shape(), axes, keepdims);
  const float share = 1.f / static_cast<float>(plan.count);
  const Array total = reduce_axes(Reduction::sum, x.value(), plan.axes).reshape(plan.kept);
  const Array average = elementwise(Elementwise::scale, {total}, plan.kept, share);
  const Array centred = elementwise(Elementwise::subtract, {x.value(), average}, x.shape());
  const Array squares = elementwise(Elementwise::square, {centred}, x.shape());
  const Array y = reduce_axes(Reduction::sum, squares, plan.axes).reshape(plan.result);
  return record("variance", elementwise(Elementwise::scale, {y}, plan.result, share), {&x},
                [share, kept = plan.kept, centred = saved(centred)](const Array& dy, Wants) -> Grads {
                  const Array scaled = elementwise(Elementwise::scale, {dy.reshape(kept)}, kept, share);
                  return {elementwise(Elementwise::double_product, {scaled, centred}, centred.get().shape())};
                });
}

Tensor max(const Tensor& x, const Axes& axes, bool keepdims) {
  return extreme("max", Reduction::max, x, axes, keepdims);
}

Tensor min(const Tensor& x, const Axes& axes, bool keepdims) {
  return extreme("min", Reduction::min, x, axes, keepdims);
}

Tensor argmax(const Tensor& any, std::optional<i64> axis, bool keepdims) {
  const Tensor x(comparable("argmax", any));
  const Plan plan("argmax", x.shape(), axis ? Axes{{*axis}} : Axes{}, keepdims);
  expect(plan.count > 0 || plan.result.count() == 0, "argmax", "of no elements, x has shape ", x.shape());
  Array y = empty(plan.result, x.device(), DType::int64);
  const i64 begin = axis ? plan.axes[0] : 0, end = axis ? begin + 1 : x.rank();
  kernels(x.device())
      .argmax({product(x.shape(), 0, begin), product(x.shape(), begin, end), product(x.shape(), end, x.rank()),
               x.value().floats(), y.data<i64>()});
  return Tensor(y);
}

}  // namespace ops
}  // namespace lw
