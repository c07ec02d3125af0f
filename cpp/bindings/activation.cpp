#include "cpp/ops/activation.h"

#include "cpp/bindings/arguments.h"
#include "cpp/bindings/bindings.h"
#include "cpp/ops/softmax.h"

namespace py = pybind11;
using namespace py::literals;

namespace lw {

void bind_activation(py::module_& module) {
  const Operations op(module);
  op("activation", &ops::activation, "x"_a, "activation"_a, "alpha"_a);
  op("softmax", &ops::softmax, "x"_a, "axis"_a);
  op("log_softmax", &ops::log_softmax, "x"_a, "axis"_a);
}

}  // namespace lw
