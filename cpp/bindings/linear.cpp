#include "cpp/ops/linear.h"

#include "cpp/bindings/arguments.h"
#include "cpp/bindings/bindings.h"
#include "cpp/ops/matmul.h"

namespace py = pybind11;
using namespace py::literals;

namespace lw {

void bind_linear(py::module_& module) {
  const Operations op(module);
  op("matmul", &ops::matmul, "a"_a, "b"_a);
  op("linear", &ops::linear, "x"_a, "kernel"_a, "bias"_a = py::none(), "activation"_a = py::none());
}

}  // namespace lw
