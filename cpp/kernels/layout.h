// The same elements in another arrangement.
#pragma once

#include "cpp/core/types.h"

namespace lw {

// to[i, j, ..] = from[i, j, ..] for every index below `shape`; strides in elements, of any sign.
struct StridedCopy {
  static constexpr int most_axes = 8;
  i64 rank;
  i64 shape[most_axes];
  i64 element_size;  // 1, 4 or 8 bytes
  const void* from;
  i64 from_stride[most_axes];
  void* to;
  i64 to_stride[most_axes];
};

}  // namespace lw
