// cuda_tests: exits with 77 (skipped) where there is no device.
#include "cpp/backend/cuda.h"
#include "tests/native/check.h"

int main() {
  const lw::CudaStatus status = lw::cuda_status();
  if (status.devices == 0) {
    std::printf("%s\n", status.reason.c_str());
    return 77;
  }
  return test::run_all();
}
