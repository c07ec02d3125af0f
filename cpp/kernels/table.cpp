#include "cpp/kernels/table.h"

namespace lw::LIKEWISE_LEVEL {

// Hidden, so that the extension module does not link without one of them.
#define KERNEL(kernel, Arguments) [[gnu::visibility("hidden")]] void kernel(const Arguments&);
#include "cpp/kernels/kernels.def"
#undef KERNEL

extern const KernelTable table;
constinit const KernelTable table = {
    LIKEWISE_LEVEL_NAME,
#define KERNEL(kernel, Arguments) kernel,
#include "cpp/kernels/kernels.def"
#undef KERNEL
};

}  // namespace lw::LIKEWISE_LEVEL
