#pragma once

#include "cpp/autograd/tensor.h"

namespace lw::ops {

// x / (1 - rate) or 0, by draws that depend on (key, offset, position) alone; nothing is saved but these.
Tensor dropout(const Tensor& x, float rate, u64 key, u64 offset);

}  // namespace lw::ops
