#include "cpp/ops/recurrent.h"

#include "cpp/bindings/arguments.h"
#include "cpp/bindings/bindings.h"

namespace py = pybind11;
using namespace py::literals;

namespace lw {
namespace {

Tensor simple_rnn(const Tensor& x, const Tensor& kernel, const Tensor& recurrent_kernel, const Tensor& bias,
                  const Tensor& state, const Tensor& state_scale, const Tensor& lengths, const Tensor& mask,
                  const Tensor& offsets, Activation activation, bool return_sequences, bool return_state) {
  return ops::recurrent(x, {kernel, recurrent_kernel, bias}, {state, Tensor(), state_scale}, {lengths, mask, offsets},
                        {RecurrentCell::simple, activation, Activation::linear, return_sequences, return_state});
}

Tensor gru(const Tensor& x, const Tensor& kernel, const Tensor& recurrent_kernel, const Tensor& bias,
           const Tensor& state, const Tensor& state_scale, const Tensor& lengths, const Tensor& mask,
           const Tensor& offsets, Activation activation, Activation recurrent_activation, bool reset_after,
           bool return_sequences, bool return_state) {
  return ops::recurrent(x, {kernel, recurrent_kernel, bias}, {state, Tensor(), state_scale}, {lengths, mask, offsets},
                        {reset_after ? RecurrentCell::gru : RecurrentCell::gru_reset_first, activation,
                         recurrent_activation, return_sequences, return_state});
}

Tensor lstm(const Tensor& x, const Tensor& kernel, const Tensor& recurrent_kernel, const Tensor& bias,
            const Tensor& state, const Tensor& cell_state, const Tensor& state_scale, const Tensor& lengths,
            const Tensor& mask, const Tensor& offsets, Activation activation, Activation recurrent_activation,
            bool return_sequences, bool return_state) {
  return ops::recurrent(x, {kernel, recurrent_kernel, bias}, {state, cell_state, state_scale}, {lengths, mask, offsets},
                        {RecurrentCell::lstm, activation, recurrent_activation, return_sequences, return_state});
}

}  // namespace

void bind_recurrent(py::module_& module) {
  const Operations op(module);
  op("simple_rnn", &simple_rnn, "x"_a, "kernel"_a, "recurrent_kernel"_a, "bias"_a = py::none(), "state"_a = py::none(),
     "state_scale"_a = py::none(), "lengths"_a = py::none(), "mask"_a = py::none(), "offsets"_a = py::none(),
     "activation"_a = "tanh", "return_sequences"_a = false, "return_state"_a = false);
  op("gru", &gru, "x"_a, "kernel"_a, "recurrent_kernel"_a, "bias"_a = py::none(), "state"_a = py::none(),
     "state_scale"_a = py::none(), "lengths"_a = py::none(), "mask"_a = py::none(), "offsets"_a = py::none(),
     "activation"_a = "tanh", "recurrent_activation"_a = "sigmoid", "reset_after"_a = true,
     "return_sequences"_a = false, "return_state"_a = false);
  op("lstm", &lstm, "x"_a, "kernel"_a, "recurrent_kernel"_a, "bias"_a = py::none(), "state"_a = py::none(),
     "cell_state"_a = py::none(), "state_scale"_a = py::none(), "lengths"_a = py::none(), "mask"_a = py::none(),
     "offsets"_a = py::none(), "activation"_a = "tanh", "recurrent_activation"_a = "sigmoid",
     "return_sequences"_a = false, "return_state"_a = false);
}

}  // namespace lw
