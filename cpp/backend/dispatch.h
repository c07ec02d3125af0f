// Picks the kernel table of a device; on the CPU, that of the best instruction-set level it has.
#pragma once

#include <string>
#include <vector>

#include "cpp/core/device.h"
#include "cpp/kernels/table.h"

namespace lw {

const KernelTable& kernels(Device device);

// The levels this build has and this processor runs, lowest first; the one in use is chosen once, at first use, by
// LIKEWISE_ISA or else the highest.
std::vector<std::string> usable_levels();
const KernelTable* usable_level(const std::string& name);  // or null

}  // namespace lw
