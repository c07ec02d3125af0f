#include "cpp/autograd/tensor.h"
#include "cpp/bindings/bindings.h"
#include "cpp/core/check.h"
#include "cpp/core/parallel.h"
#include "cpp/core/storage.h"

PYBIND11_MODULE(_core, module) {
  module.doc() = "The compiled core of likewise. Public names live in likewise.functional and the packages above it.";
  pybind11::register_exception_translator([](std::exception_ptr error) {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const lw::TypeError& type_error) {
      pybind11::set_error(PyExc_TypeError, type_error.what());
    }
  });
  // A fork takes the locks in the opposite order: gradients, pools, memory.
  lw::allocator_survives_fork();
  lw::pool_survives_fork();
  lw::grad_mutexes_survive_fork();
  lw::bind_runtime(module);
  lw::bind_tensor(module);
  lw::bind_factorization(module);
  lw::bind_linear(module);
  lw::bind_losses(module);
  lw::bind_metrics(module);
  lw::bind_models(module);
  lw::bind_ranking(module);
  lw::bind_activation(module);
  lw::bind_attention(module);
  lw::bind_conv(module);
  lw::bind_elementwise(module);
  lw::bind_layout(module);
  lw::bind_recurrent(module);
  lw::bind_reduce(module);
  lw::bind_embedding(module);
  lw::bind_optimizer(module);
}
