#include "cpp/ops/losses.h"

#include <string>

#include "cpp/bindings/arguments.h"
#include "cpp/bindings/bindings.h"
#include "cpp/ops/dropout.h"
#include "cpp/ops/norm.h"

namespace py = pybind11;
using namespace py::literals;

namespace lw {
namespace {

ops::LossReduction reduction_from(const std::string& name) {
  if (name == "mean") return ops::LossReduction::mean;
  if (name == "sum") return ops::LossReduction::sum;
  expect(name == "none", "reduction", "must be mean, sum or none, got ", name);
  return ops::LossReduction::none;
}

template <PointwiseLoss kind>
Tensor pointwise(const Tensor& prediction, const Tensor& target, const Tensor& weight, const std::string& reduction) {
  constexpr const char* names[] = {"mean_squared_error", "mean_absolute_error", "hinge", "binary_cross_entropy",
                                   "binary_cross_entropy"};
  return ops::pointwise_loss(names[static_cast<int>(kind)], kind, prediction, target, weight,
                             reduction_from(reduction));
}

Tensor categorical(const Tensor& prediction, const Tensor& target, const Tensor& weight, bool from_logits,
                   const std::string& reduction) {
  return ops::categorical_cross_entropy(prediction, target, weight, from_logits, reduction_from(reduction));
}

Tensor sparse_categorical(const Tensor& prediction, const Tensor& target, const Tensor& weight, bool from_logits,
                          const std::string& reduction) {
  return ops::sparse_categorical_cross_entropy(prediction, target, weight, from_logits, reduction_from(reduction));
}

Tensor bpr(const Tensor& positive, const Tensor& negative, const Tensor& weight, const std::string& reduction) {
  return ops::bpr(positive, negative, weight, reduction_from(reduction));
}

template <typename Function>
void pointwise_op(const Operations& op, const char* name, Function* function) {
  op(name, function, "prediction"_a, "target"_a, "weight"_a = py::none(), "reduction"_a = "mean");
}

std::tuple<Tensor, Tensor, Tensor> batch_normalization(const Tensor& x, const Tensor& gamma, const Tensor& beta,
                                                       float epsilon) {
  const ops::BatchNormalized all = ops::batch_normalization(x, gamma, beta, epsilon);
  return {all.y, all.mean, all.variance};
}

}  // namespace

void bind_losses(py::module_& module) {
  const Operations op(module);
  pointwise_op(op, "mean_squared_error", &pointwise<PointwiseLoss::squared>);
  pointwise_op(op, "mean_absolute_error", &pointwise<PointwiseLoss::absolute>);
  pointwise_op(op, "hinge", &pointwise<PointwiseLoss::hinge>);
  pointwise_op(op, "binary_cross_entropy", &pointwise<PointwiseLoss::binary_cross_entropy>);
  pointwise_op(op, "binary_cross_entropy_of_logits", &pointwise<PointwiseLoss::logistic>);
  op("categorical_cross_entropy", &categorical, "prediction"_a, "target"_a, "weight"_a = py::none(),
     "from_logits"_a = false, "reduction"_a = "mean");
  op("sparse_categorical_cross_entropy", &sparse_categorical, "prediction"_a, "target"_a, "weight"_a = py::none(),
     "from_logits"_a = false, "reduction"_a = "mean");
  op("bpr", &bpr, "positive"_a, "negative"_a, "weight"_a = py::none(), "reduction"_a = "mean");
  op("dropout", &ops::dropout, "x"_a, "rate"_a, "key"_a, "offset"_a);
  op("layer_normalization", &ops::layer_normalization, "x"_a, "gamma"_a = py::none(), "beta"_a = py::none(),
     "epsilon"_a = 1e-3f);
  op("batch_normalization", &batch_normalization, "x"_a, "gamma"_a = py::none(), "beta"_a = py::none(),
     "epsilon"_a = 1e-3f);
  op("l2_normalize", &ops::l2_normalize, "x"_a, "epsilon"_a);
}

}  // namespace lw
