// The kernel tables of single levels, for tests that hold one against another. Callable where `usable_levels` has them.
#pragma once

#include "cpp/kernels/table.h"

#if defined(__x86_64__)
namespace lw {
namespace v3 {
extern const KernelTable table;
}
namespace v4 {
extern const KernelTable table;
}
}  // namespace lw
#endif
