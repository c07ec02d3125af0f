#include "cpp/ops/grid.h"

namespace lw::ops {

Direction direction(const char* name, const char* what, i64 size, i64 taps, i64 stride, i64 dilation, Padding padding) {
  const i64 reach = (taps - 1) * dilation + 1;
  switch (padding) {
    case Padding::same: {
      const i64 out = (size + stride - 1) / stride, missing = (out - 1) * stride + reach - size;
      return {out, out > 0 && missing > 0 ? missing / 2 : 0};
    }
    case Padding::causal: return {(size + stride - 1) / stride, reach - 1};
    case Padding::valid: break;
  }
  expect(size >= reach, name, "the ", what, " reaches over ", reach, " places, x has ", size);
  return {(size - reach) / stride + 1, 0};
}

void expect_sizes(const char* name, const char* argument, const Shape& sizes, i64 directions) {
  expect(sizes.rank() == directions, name, argument, " must have ", directions, " sizes, got ", sizes);
  for (i64 size : sizes) expect(size >= 1, name, argument, " must be at least 1, got ", sizes);
}

}  // namespace lw::ops
