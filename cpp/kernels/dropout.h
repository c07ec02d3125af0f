#pragma once

#include "cpp/core/types.h"

namespace lw {

// out_i = x_i / (1 - rate) where the draw of element i is kept, else 0. The draw is word i mod 4 of
// philox(key, offset, i / 4), so the gradient makes the same mask again.
struct Dropout {
  float rate;
  u64 key, offset;
  i64 count;
  const float* x;
  float* out;
};

}  // namespace lw
