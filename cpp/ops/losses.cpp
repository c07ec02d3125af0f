#include "cpp/ops/losses.h"

#include <algorithm>

#include "cpp/autograd/tape.h"
#include "cpp/backend/dispatch.h"
#include "cpp/ops/elementwise.h"
#include "cpp/ops/float32.h"
#include "cpp/ops/reduce.h"

namespace lw::ops {
namespace {

// Rows that share a weight: the sizes of `weight` are the leading ones of `shape`.
i64 weighted_rows(const char* name, const Shape& shape, const Tensor& weight) {
  if (!weight.defined()) return 1;
  const Shape& sizes = weight.shape();
  expect(sizes.rank() <= shape.rank() && std::equal(sizes.begin(), sizes.end(), shape.begin()), name,
         "weight must have the leading sizes of ", shape, ", got shape ", sizes);
  return sizes.count();
}

// Values to their mean, sum or themselves. slope = dvalue/dprediction, `per_value` of it for each value.
Tensor reduced(const char* name, const Array& values, const Array& slope, const Tensor& prediction,
               LossReduction reduction) {
  const float share = reduction == LossReduction::mean ? 1.f / static_cast<float>(values.count()) : 1.f;
  Array y = values;
  if (reduction != LossReduction::none) {
    std::vector<i64> axes;
    for (i64 axis = 0; axis < values.rank(); ++axis) axes.push_back(axis);
    y = reduce_axes(Reduction::sum, values, axes);
    if (reduction == LossReduction::mean) y = elementwise(Elementwise::scale, {y}, {}, share);
  }
  return record(
      name, y, {&prediction},
      [share, slope = slope ? saved(slope) : Saved(), shape = prediction.shape()](const Array& dy, Wants) -> Grads {
        const Array scaled = elementwise(Elementwise::scale, {dy}, dy.shape(), share);
        // A value a row, or a value an element, or one for all.
        const bool per_row = dy.rank() == shape.rank() - 1 && dy.rank() > 0;
        Shape column = dy.shape();
        if (per_row) column.push_back(1);
        return {elementwise(Elementwise::multiply, {slope, scaled.reshape(column)}, shape)};
      });
}

Array slope_for(const Tensor& prediction) {
  return wants_grad({&prediction}) ? empty(prediction.shape(), prediction.device()) : Array{};
}
Tensor optional_float32(const Tensor& tensor) { return tensor.defined() ? as_float32(tensor) : tensor; }

struct Rows {
  i64 count, classes;
  Shape shape;

  Rows(const char* name, const Tensor& prediction, const Tensor& weight) {
    expect(prediction.rank() >= 1, name, "prediction must have a last axis of classes, got a scalar");
    classes = prediction.dim(-1);
    expect(classes > 0, name, "prediction has no classes, its shape is ", prediction.shape());
    count = prediction.count() / classes;
    shape = Shape(prediction.shape().begin(), static_cast<std::size_t>(prediction.rank() - 1));
    expect(!weight.defined() || weight.shape() == shape, name, "weight must have shape ", shape, ", got ",
           weight.defined() ? weight.shape() : Shape{});
  }
};

}  // namespace

Tensor pointwise_loss(const char* name, PointwiseLoss kind, const Tensor& any_prediction, const Tensor& any_target,
                      const Tensor& any_weight, LossReduction reduction) {
  const Tensor prediction = as_float32(any_prediction), target = optional_float32(any_target);
  const Tensor weight = optional_float32(any_weight);
  const Shape& shape = prediction.shape();
  if (target.defined()) {
    Shape column = target.shape();
    if (column.rank() + 1 == shape.rank()) column.push_back(1);
    expect(column == shape, name, "target must have shape ", shape, ", got ", target.shape());
  }
  const i64 rows = weighted_rows(name, shape, weight);
  const Array values = empty(shape, prediction.device()), slope = slope_for(prediction);
  kernels(prediction.device())
      .pointwise_losses({kind, rows, rows == 0 ? 0 : shape.count() / rows, prediction.value().floats(),
                         floats_or_null(target.value()), floats_or_null(weight.value()), values.floats(),
                         floats_or_null(slope)});
  return reduced(name, values, slope, prediction, reduction);
}

Tensor categorical_cross_entropy(const Tensor& any_prediction, const Tensor& any_target, const Tensor& any_weight,
                                 bool from_logits, LossReduction reduction) {
  const char* name = "categorical_cross_entropy";
  const Tensor prediction = as_float32(any_prediction), target = as_float32(any_target);
  const Tensor weight = optional_float32(any_weight);
  const Rows rows(name, prediction, weight);
  expect(target.shape() == prediction.shape(), name, "target must have shape ", prediction.shape(), ", got ",
         target.shape());
  const Array values = empty(rows.shape, prediction.device()), slope = slope_for(prediction);
  kernels(prediction.device())
      .categorical_losses({from_logits, rows.count, rows.classes, prediction.value().floats(), target.value().floats(),
                           nullptr, floats_or_null(weight.value()), values.floats(), floats_or_null(slope)});
  return reduced(name, values, slope, prediction, reduction);
}

Tensor sparse_categorical_cross_entropy(const Tensor& any_prediction, const Tensor& target, const Tensor& any_weight,
                                        bool from_logits, LossReduction reduction) {
  const char* name = "sparse_categorical_cross_entropy";
  const Tensor prediction = as_float32(any_prediction), weight = optional_float32(any_weight);
  const Rows rows(name, prediction, weight);
  expect_type(target.dtype() != DType::float32, name, "target must be integers, got float32");
  expect(target.shape() == rows.shape, name, "target must have shape ", rows.shape, ", got ", target.shape());
  Array labels = as_int64(target.value());
  if (labels.storage()->borrowed()) labels = labels.copy();  // nobody can change them after they were checked
  for (i64 row = 0; row < rows.count; ++row) {
    const i64 label = labels.data<i64>()[row];
    expect(label >= 0 && label < rows.classes, name, "classes must be in 0..", rows.classes - 1, ", got ", label,
           " in row ", row);
  }
  const Array values = empty(rows.shape, prediction.device()), slope = slope_for(prediction);
  kernels(prediction.device())
      .categorical_losses({from_logits, rows.count, rows.classes, prediction.value().floats(), nullptr,
                           labels.data<i64>(), floats_or_null(weight.value()), values.floats(), floats_or_null(slope)});
  return reduced(name, values, slope, prediction, reduction);
}

Tensor bpr(const Tensor& positive, const Tensor& negative, const Tensor& weight, LossReduction reduction) {
  broadcast_shape("bpr", positive.shape(), negative.shape());
  return pointwise_loss("bpr", PointwiseLoss::pairwise_logistic, subtract(positive, negative), Tensor{}, weight,
                        reduction);
}

}  // namespace lw::ops
