// An array on the device, with a copy of it brought back; all errors are exceptions.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <vector>

#include "cuda/check.h"

namespace test {

template <typename T>
class DeviceArray {
 public:
  explicit DeviceArray(const std::vector<T>& values) : size_(values.size()) {
    lw::cuda::check(cudaMalloc(&start_, bytes() + 1), "cudaMalloc");  // none is null, an empty one included
    lw::cuda::check(cudaMemcpy(start_, values.data(), bytes(), cudaMemcpyHostToDevice), "cudaMemcpy");
  }
  ~DeviceArray() { cudaFree(start_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  T* get() { return static_cast<T*>(start_); }
  std::vector<T> back() const {
    std::vector<T> values(size_);
    lw::cuda::check(cudaMemcpy(values.data(), start_, bytes(), cudaMemcpyDeviceToHost), "cudaMemcpy");
    return values;
  }

 private:
  std::size_t bytes() const { return size_ * sizeof(T); }

  std::size_t size_;
  void* start_ = nullptr;
};

}  // namespace test
