#pragma once

#include "cpp/core/types.h"

namespace lw {

enum class Device : u8 { cpu, cuda };

constexpr const char* name_of(Device device) { return device == Device::cpu ? "cpu" : "cuda"; }

}  // namespace lw
