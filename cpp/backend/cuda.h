// The door to CUDA: the same functions whether it was built (cuda/) or not (no_cuda.cpp).
#pragma once

#include <string>

#include "cpp/kernels/table.h"

namespace lw {

struct CudaStatus {
  bool built;          // were CUDA kernels compiled into this library?
  int devices;         // how many devices can be used
  std::string reason;  // why there are none, and how to change it
};
CudaStatus cuda_status();

// The table of CUDA kernels; std::runtime_error with the reason if there is no device.
const KernelTable& cuda_kernels();

}  // namespace lw
