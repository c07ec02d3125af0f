// What convolution and pooling share: windows of some places that slide along the directions of a grid.
#pragma once

#include "cpp/core/shape.h"

namespace lw::ops {

// Places around the grid: none; as many as keep ceil(size / stride) windows; all of those before the first place.
enum class Padding { valid, same, causal };

// One direction: windows, and padding before the first place.
struct Direction {
  i64 out, before;
};

// A window has `taps` places, `dilation` apart; the next one begins `stride` places on. `name` is the operation, `what`
// the window in its messages.
Direction direction(const char* name, const char* what, i64 size, i64 taps, i64 stride, i64 dilation, Padding padding);

// One size of at least 1 for each direction.
void expect_sizes(const char* name, const char* argument, const Shape& sizes, i64 directions);

}  // namespace lw::ops
