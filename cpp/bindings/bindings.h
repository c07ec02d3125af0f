// What every file of bindings shares. One function per area, called by module.cpp.
#pragma once

#include <pybind11/pybind11.h>

namespace lw {

void bind_activation(pybind11::module_& module);
void bind_attention(pybind11::module_& module);
void bind_conv(pybind11::module_& module);
void bind_elementwise(pybind11::module_& module);
void bind_embedding(pybind11::module_& module);
void bind_factorization(pybind11::module_& module);
void bind_layout(pybind11::module_& module);
void bind_linear(pybind11::module_& module);
void bind_losses(pybind11::module_& module);
void bind_metrics(pybind11::module_& module);
void bind_models(pybind11::module_& module);
void bind_optimizer(pybind11::module_& module);
void bind_ranking(pybind11::module_& module);
void bind_recurrent(pybind11::module_& module);
void bind_reduce(pybind11::module_& module);
void bind_runtime(pybind11::module_& module);
void bind_tensor(pybind11::module_& module);

}  // namespace lw
