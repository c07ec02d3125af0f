#pragma once

#include "cpp/core/types.h"

namespace lw {

// Which elements of an array become 0; the others are scaled by 1 / (1 - rate). The draw of the element in row w and
// column c of the b-th 4 x 16 elements is word w of philox(key, offset, 16 b + c), so a gradient makes the same mask
// again.
struct DropoutDraws {
  float rate = 0;  // 0: nothing is dropped
  u64 key = 0, offset = 0;
};

// out = r + D(x), D dropout; `out` may be x.
struct Dropout {
  DropoutDraws draws;
  i64 count;
  const float* x;
  const float* residual;  // r, or null
  float* out;
};

}  // namespace lw
