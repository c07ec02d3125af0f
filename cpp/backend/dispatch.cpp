#include "cpp/backend/dispatch.h"

#include <cstdlib>

#include "cpp/backend/cuda.h"
#include "cpp/core/check.h"
#include "cpp/core/parallel.h"

namespace lw {

#define LIKEWISE_WITH_LEVEL(level) \
  namespace level {                \
  extern const KernelTable table;  \
  }
LIKEWISE_LEVEL_LIST
#undef LIKEWISE_WITH_LEVEL

namespace {

// Lowest first.
#define LIKEWISE_WITH_LEVEL(level) &level::table,
const KernelTable* const built[] = {LIKEWISE_LEVEL_LIST};
#undef LIKEWISE_WITH_LEVEL

bool processor_has(const std::string& level) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (level == "v2") return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
  if (level == "v3")
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd");
#else
  return level == "neon";
#endif
}

std::vector<const KernelTable*> usable_tables() {
  std::vector<const KernelTable*> tables;
  for (const KernelTable* table : built)
    if (processor_has(table->name)) tables.push_back(table);
  return tables;
}

const KernelTable& choose() {
  check_thread_settings();
  const auto tables = usable_tables();
  if (tables.empty())
    throw std::runtime_error(concat("likewise was built for processors with at least level ", built[0]->name,
                                    " of their instruction set, which this one lacks"));
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

const KernelTable* usable_level(const std::string& name) {
  for (const KernelTable* table : usable_tables())
    if (table->name == name) return table;
  return nullptr;
}

std::vector<std::string> usable_levels() {
  std::vector<std::string> names;
  for (const KernelTable* table : usable_tables()) names.emplace_back(table->name);
  return names;
}

}  // namespace lw
