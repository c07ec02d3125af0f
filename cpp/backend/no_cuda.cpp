#include <stdexcept>

#include "cpp/backend/cuda.h"

namespace lw {

CudaStatus cuda_status() {
  return {false, 0,
          "this build has no CUDA kernels, since " LIKEWISE_NO_CUDA_REASON
          "; build with -Ccmake.define.LIKEWISE_CUDA=ON where nvcc is installed"};
}

const KernelTable& cuda_kernels() { throw std::runtime_error("cuda: " + cuda_status().reason); }

}  // namespace lw
