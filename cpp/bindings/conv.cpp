#include "cpp/ops/conv.h"

#include <pybind11/stl.h>

#include "cpp/bindings/arguments.h"
#include "cpp/bindings/bindings.h"
#include "cpp/ops/pool.h"

namespace py = pybind11;
using namespace py::literals;

namespace lw {
namespace {

ops::Padding padding_from(const char* operation, const std::string& name, bool may_be_causal) {
  const bool known = name == "valid" || name == "same" || (name == "causal" && may_be_causal);
  expect(known, operation, "padding must be ", may_be_causal ? "'valid', 'same' or 'causal'" : "'valid' or 'same'",
         ", got '", name, "'");
  return name == "valid" ? ops::Padding::valid : name == "same" ? ops::Padding::same : ops::Padding::causal;
}

Tensor conv(const Tensor& x, const Tensor& kernel, const Tensor& bias, const Shape& strides, const Shape& dilation,
            const std::string& padding, i64 groups, Activation activation) {
  const i64 directions = strides.rank();
  const char* name = directions == 1 ? "conv1d" : "conv2d";
  return ops::conv(x, kernel, bias, {strides, dilation, padding_from(name, padding, directions == 1), groups},
                   activation);
}

Tensor max_pool(const Tensor& x, const Shape& pool, const Shape& strides, const std::string& padding) {
  return ops::max_pool(x, pool, strides, padding_from(pool.rank() == 1 ? "max_pool1d" : "max_pool2d", padding, false));
}
Tensor average_pool(const Tensor& x, const Shape& pool, const Shape& strides, const std::string& padding) {
  return ops::average_pool(x, pool, strides,
                           padding_from(pool.rank() == 1 ? "average_pool1d" : "average_pool2d", padding, false));
}

}  // namespace

void bind_conv(py::module_& module) {
  const Operations op(module);
  op("conv", &conv, "x"_a, "kernel"_a, "bias"_a = py::none(), "strides"_a = Shape{1}, "dilation"_a = Shape{1},
     "padding"_a = "valid", "groups"_a = 1, "activation"_a = py::none());
  op("max_pool", &max_pool, "x"_a, "pool"_a, "strides"_a, "padding"_a);
  op("average_pool", &average_pool, "x"_a, "pool"_a, "strides"_a, "padding"_a);
}

}  // namespace lw
