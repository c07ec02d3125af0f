// CUDA kernels as C functions over pointers of the device: bench/device.py calls them on PyTorch's tensors.
#include "cpp/backend/dispatch.h"

#define EXPORTED extern "C" __attribute__((visibility("default")))

using namespace lw;

EXPORTED void activation_forward(int activation, i64 count, const float* z, float* y) {
  const auto which = static_cast<Activation>(activation);
  kernels(Device::cuda).activation_forward({which, default_alpha(which), count, z, y});
}

EXPORTED void activation_backward(int activation, i64 count, const float* kept, const float* dy, float* dz) {
  const auto which = static_cast<Activation>(activation);
  kernels(Device::cuda).activation_backward({which, default_alpha(which), count, kept, dy, dz});
}

EXPORTED void gather(i64 rows, i64 dim, const float* table, const i64* ids, float* out) {
  kernels(Device::cuda).gather({rows, dim, table, ids, out});
}

EXPORTED const char* activation_name(int activation) { return name_of(static_cast<Activation>(activation)); }
