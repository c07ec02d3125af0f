#pragma once

#include "cpp/autograd/tensor.h"
#include "cpp/kernels/dropout.h"

namespace lw {

Array dropped(const Array& x, const DropoutDraws& draws);

namespace ops {

// x / (1 - rate) or 0, by draws that depend on (key, offset, position) alone; nothing is saved but these.
Tensor dropout(const Tensor& x, float rate, u64 key, u64 offset);

}  // namespace ops
}  // namespace lw
