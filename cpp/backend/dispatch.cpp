#include "cpp/backend/dispatch.h"

#include <cstdlib>

#include "cpp/backend/cuda.h"
#include "cpp/core/check.h"
#include "cpp/core/parallel.h"

namespace lw {

#if defined(__x86_64__)
namespace v2 {
extern const KernelTable table;
}
namespace v3 {
extern const KernelTable table;
}
namespace v4 {
extern const KernelTable table;
}
#else
namespace neon {
extern const KernelTable table;
}
#endif

namespace {

std::vector<const KernelTable*> usable_tables() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  std::vector<const KernelTable*> tables;
  if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt")) tables.push_back(&v2::table);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"))
    tables.push_back(&v3::table);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd"))
    tables.push_back(&v4::table);
  return tables;
#else
  return {&neon::table};
#endif
}

const KernelTable& choose() {
  check_thread_settings();
  const auto tables = usable_tables();
  if (tables.empty()) throw std::runtime_error("likewise needs a processor with at least SSE4.2 (x86-64-v2)");
  const char* forced = std::getenv("LIKEWISE_ISA");
  if (forced == nullptr || *forced == '\0') return *tables.back();
  std::string names;
  for (const KernelTable* table : tables) {
    if (std::string(table->name) == forced) return *table;
    names += (names.empty() ? "" : ", ") + std::string(table->name);
  }
  throw std::runtime_error(concat("LIKEWISE_ISA must be one of ", names, " on this processor, got ", forced));
}

}  // namespace

const KernelTable& kernels(Device device) {
  if (device == Device::cuda) return cuda_kernels();
  static const KernelTable& chosen = choose();
  return chosen;
}

std::vector<std::string> usable_levels() {
  std::vector<std::string> names;
  for (const KernelTable* table : usable_tables()) names.emplace_back(table->name);
  return names;
}

}  // namespace lw
