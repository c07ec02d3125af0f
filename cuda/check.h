// Errors of the CUDA runtime, as exceptions that say what failed.
#pragma once

#include <cuda_runtime_api.h>

#include <stdexcept>

#include "cpp/core/check.h"

namespace lw::cuda {

// check(cudaMalloc(&block, bytes), "cudaMalloc")
inline void check(cudaError_t status, const char* what) {
  if (status != cudaSuccess) [[unlikely]]
    throw std::runtime_error(concat("cuda: ", what, ": ", cudaGetErrorString(status)));
}

// After a launch: a configuration the device cannot run. What a kernel does wrong while running appears at the next
// call that waits for it.
inline void check_launch(const char* kernel) { check(cudaGetLastError(), kernel); }

}  // namespace lw::cuda
