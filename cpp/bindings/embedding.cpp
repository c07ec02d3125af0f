#include "cpp/ops/embedding.h"

#include <pybind11/stl.h>

#include "cpp/bindings/arguments.h"
#include "cpp/bindings/bindings.h"
#include "cpp/ops/sampled_loss.h"
#include "cpp/ops/softmax_loss.h"

namespace py = pybind11;
using namespace py::literals;

namespace lw {
namespace {

ops::BagMode bag_mode_from(const std::string& name) {
  expect(name == "sum" || name == "mean", "embedding_bag", "mode must be 'sum' or 'mean', got '", name, "'");
  return name == "sum" ? ops::BagMode::sum : ops::BagMode::mean;
}

Tensor embedding_bag(const Tensor& table, const Tensor& ids, const Tensor& offsets, const std::string& mode,
                     const Tensor& weights) {
  return ops::embedding_bag(table, ids, offsets, bag_mode_from(mode), weights);
}

}  // namespace

void bind_embedding(py::module_& module) {
  const Operations op(module);
  op("embedding", &ops::embedding, "table"_a, "ids"_a);
  op("embedding_bag", &embedding_bag, "table"_a, "ids"_a, "offsets"_a, "mode"_a, "weights"_a = py::none());
  op("candidate_scores", &ops::candidate_scores, "states"_a, "table"_a, "ids"_a, "bias"_a = py::none());
  op("coalesce_rows", &coalesce_rows, "sparse"_a);
  op("scatter_add", &ops::scatter_add, "table"_a, "ids"_a, "rows"_a);
  op("softmax_loss", &ops::softmax_loss, "states"_a, "table"_a, "targets"_a, "bias"_a = py::none(),
     "weights"_a = py::none(), "ignored"_a = py::none());
  op("sampled_softmax_loss", &ops::sampled_softmax_loss, "states"_a, "table"_a, "targets"_a, "negatives"_a,
     "bias"_a = py::none(), "log_q"_a = py::none(), "weights"_a = py::none(), "ignored"_a = py::none());
  op("gbce_loss", &ops::gbce_loss, "states"_a, "table"_a, "targets"_a, "negatives"_a, "bias"_a = py::none(),
     "beta"_a = 1.f, "weights"_a = py::none(), "ignored"_a = py::none());
  op("bpr_max_loss", &ops::bpr_max_loss, "states"_a, "table"_a, "targets"_a, "negatives"_a, "bias"_a = py::none(),
     "regularization"_a = 1.f, "elu_alpha"_a = py::none(), "weights"_a = py::none(), "ignored"_a = py::none());
  op("in_batch_softmax_loss", &ops::in_batch_softmax_loss, "queries"_a, "items"_a, "ids"_a = py::none(),
     "log_q"_a = py::none());
}

}  // namespace lw
