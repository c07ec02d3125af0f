#include "cpp/ops/reduce.h"

#include "cpp/bindings/arguments.h"
#include "cpp/bindings/bindings.h"

namespace py = pybind11;
using namespace py::literals;

namespace lw {

void bind_reduce(py::module_& module) {
  const Operations op(module);
  op("sum", &ops::sum, "x"_a, "axes"_a, "keepdims"_a);
  op("mean", &ops::mean, "x"_a, "axes"_a, "keepdims"_a);
  op("variance", &ops::variance, "x"_a, "axes"_a, "keepdims"_a);
  op("max", &ops::max, "x"_a, "axes"_a, "keepdims"_a);
  op("min", &ops::min, "x"_a, "axes"_a, "keepdims"_a);
  op("argmax", &ops::argmax, "x"_a, "axis"_a, "keepdims"_a);
}

}  // namespace lw
