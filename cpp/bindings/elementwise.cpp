#include "cpp/ops/elementwise.h"

#include "cpp/bindings/arguments.h"
#include "cpp/bindings/bindings.h"

namespace py = pybind11;
using namespace py::literals;

namespace lw {

void bind_elementwise(py::module_& module) {
  const Operations op(module);
  op("add", &ops::add, "a"_a, "b"_a);
  op("subtract", &ops::subtract, "a"_a, "b"_a);
  op("multiply", &ops::multiply, "a"_a, "b"_a);
  op("divide", &ops::divide, "a"_a, "b"_a);
  op("power", &ops::power, "base"_a, "exponent"_a);
  op("maximum", &ops::maximum, "a"_a, "b"_a);
  op("minimum", &ops::minimum, "a"_a, "b"_a);
  op("where", &ops::where, "condition"_a, "a"_a, "b"_a);
  op("less", &ops::less, "a"_a, "b"_a);
  op("less_equal", &ops::less_equal, "a"_a, "b"_a);
  op("equal", &ops::equal, "a"_a, "b"_a);
  op("not_equal", &ops::not_equal, "a"_a, "b"_a);
  op("negate", &ops::negate, "x"_a);
  op("abs", &ops::absolute, "x"_a);
  op("sign", &ops::sign, "x"_a);
  op("exp", &ops::exp, "x"_a);
  op("log", &ops::log, "x"_a);
  op("log1p", &ops::log1p, "x"_a);
  op("sqrt", &ops::sqrt, "x"_a);
  op("square", &ops::square, "x"_a);
  op("clip", &ops::clip, "x"_a, "low"_a, "high"_a);
}

}  // namespace lw
