#include "cpp/ops/optimizer.h"

#include "cpp/bindings/arguments.h"
#include "cpp/bindings/bindings.h"

namespace pybind11::detail {

template <>
class type_caster<lw::ops::StepOptions> : public lw::InitialisedCaster<lw::ops::StepOptions> {};

}  // namespace pybind11::detail

namespace py = pybind11;
using namespace py::literals;

namespace lw {

void bind_optimizer(py::module_& module) {
  py::class_<ops::StepOptions>(module, "StepOptions",
                               "What every optimizer does with a gradient before its own formula.")
      .def(py::init([](float scale, float limit, float l1, float l2, float decay, bool exact) {
             return ops::StepOptions{scale, limit, l1, l2, decay, exact};
           }),
           "scale"_a, "limit"_a, "l1"_a, "l2"_a, "decay"_a, "exact"_a);
  const Operations op(module);
  op("gradient_square_sum", &ops::gradient_square_sum, "parameter"_a);
  op("sgd_step", &ops::sgd_step, "parameter"_a, "options"_a, "learning_rate"_a, "momentum"_a, "nesterov"_a,
     "momentums"_a = py::none());
  op("adagrad_step", &ops::adagrad_step, "parameter"_a, "options"_a, "accumulator"_a, "learning_rate"_a, "epsilon"_a);
  op("rmsprop_step", &ops::rmsprop_step, "parameter"_a, "options"_a, "velocity"_a, "learning_rate"_a, "rho"_a,
     "momentum"_a, "epsilon"_a, "average"_a = py::none(), "momentums"_a = py::none());
  op("adam_step", &ops::adam_step, "parameter"_a, "options"_a, "momentums"_a, "velocities"_a, "learning_rate"_a,
     "beta_1"_a, "beta_2"_a, "epsilon"_a, "step"_a, "highest"_a = py::none());
}

}  // namespace lw
