#pragma once

#include "cpp/core/types.h"

namespace lw {

// out_i = x_i / (1 - rate) where the draw of element i is kept, else 0. The draw of the
// element in row w and column c of the b-th 4 x 16 elements is word w of philox(key, offset, 16 b + c), so the gradient
// makes the same mask again.
struct Dropout {
  float rate;
  u64 key, offset;
  i64 count;
  const float* x;
  float* out;
};

}  // namespace lw
