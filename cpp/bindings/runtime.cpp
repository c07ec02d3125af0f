#include <pybind11/stl.h>

#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "cpp/backend/cuda.h"
#include "cpp/backend/dispatch.h"
#include "cpp/bindings/bindings.h"
#include "cpp/core/parallel.h"
#include "cpp/core/storage.h"

namespace py = pybind11;
using namespace py::literals;

namespace lw {

void bind_runtime(py::module_& module) {
  module.attr("version") = LIKEWISE_VERSION;
  module.def("num_threads", &num_threads);
  module.def("set_num_threads", &set_num_threads, "count"_a);
  module.def("isa_level", [] { return std::string(kernels(Device::cpu).name); });
  module.def("usable_isa_levels", &usable_levels);
  module.def("cuda_status", [] {
    CudaStatus status = cuda_status();
    return std::make_tuple(status.built, status.devices, std::move(status.reason));
  });
  module.def("memory_stats", [] {
    const AllocatorStats stats = allocator_stats();
    return std::map<std::string, i64>{
        {"in_use", stats.bytes_in_use}, {"cached", stats.bytes_cached}, {"peak", stats.peak_in_use}};
  });
  module.def("release_cached_memory", &release_cached_memory);
}

}  // namespace lw
