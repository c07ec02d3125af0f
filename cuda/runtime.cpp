#include <cuda_runtime_api.h>

#include <string>

#include "cpp/backend/cuda.h"
#include "cpp/core/check.h"

namespace lw {
namespace {

std::string version_text(int version) { return concat(version / 1000, ".", version % 1000 / 10); }

std::string why_no_device(cudaError_t status) {
  int driver = 0, runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  if (driver == 0) return "CUDA kernels are built, but no NVIDIA driver is installed; install one and try again";
  if (driver / 1000 < runtime / 1000)
    return concat("CUDA kernels are built for CUDA ", version_text(runtime), ", but the driver knows ",
                  version_text(driver), " only; install a newer driver");
  if (status == cudaSuccess || status == cudaErrorNoDevice)
    return "CUDA kernels are built, but no device is visible; see CUDA_VISIBLE_DEVICES and `nvidia-smi`";
  return concat("CUDA kernels are built, but no device can be used: ", cudaGetErrorString(status));
}

}  // namespace

// The runtime is linked statically and looks for the driver at its first call, so this runs everywhere.
CudaStatus cuda_status() {
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  if (status == cudaSuccess && devices > 0) return {true, devices, ""};
  return {true, 0, why_no_device(status)};
}

}  // namespace lw
