#include "cpp/ops/conv.h"

#include <pybind11/stl.h>

#include "cpp/bindings/arguments.h"
#include "cpp/bindings/bindings.h"

namespace py = pybind11;
using namespace py::literals;

namespace lw {
namespace {

ops::Padding padding_from(const std::string& name) {
  expect(name == "valid" || name == "same" || name == "causal", "conv",
         "padding must be 'valid', 'same' or 'causal', got '", name, "'");
  return name == "valid" ? ops::Padding::valid : name == "same" ? ops::Padding::same : ops::Padding::causal;
}

Tensor conv(const Tensor& x, const Tensor& kernel, const Tensor& bias, const Shape& strides, const Shape& dilation,
            const std::string& padding, i64 groups, Activation activation) {
  return ops::conv(x, kernel, bias, {strides, dilation, padding_from(padding), groups}, activation);
}

}  // namespace

void bind_conv(py::module_& module) {
  const Operations op(module);
  op("conv", &conv, "x"_a, "kernel"_a, "bias"_a = py::none(), "strides"_a = Shape{1}, "dilation"_a = Shape{1},
     "padding"_a = "valid", "groups"_a = 1, "activation"_a = py::none());
}

}  // namespace lw
