// Functions of up to three arrays, element by element, with NumPy's broadcasting.
#pragma once

#include "cpp/core/types.h"

namespace lw {

// In terms of the inputs a, b, c and the constants s, t; 1 stands for true.
enum class Elementwise : u8 {
  scale,  // s a
  shift,  // a + s
  negate,
  absolute,
  sign,
  exp,
  log,
  log1p,
  sqrt,
  square,
  clip,  // min(max(a, s), t)
  add,
  subtract,
  multiply,
  divide,
  power,
  maximum,
  minimum,
  less,        // a < b
  less_equal,  // a <= b
  equal,
  not_equal,
  where,  // a ? b : c
  // Gradients; a is dy.
  divide_by_shifted,        // a / (b + s)
  half_ratio,               // a / (2 b)
  double_product,           // 2 a b
  multiply_sign,            // a sign(b)
  if_within,                // s <= b <= t ? a : 0
  if_less,                  // b < c ? a : 0
  if_not_less,              // b < c ? 0 : a
  divide_gradient,          // -a b / c^2
  power_base_gradient,      // a c b^(c - 1)
  power_exponent_gradient,  // a b^c log(b), 0 where b = 0
};

struct ElementwiseMap {
  static constexpr int most_inputs = 3, most_axes = 8;
  Elementwise function;
  i64 rank;
  i64 shape[most_axes];
  const float* input[most_inputs];
  i64 stride[most_inputs][most_axes];  // in elements; 0 repeats. The last is 0 or 1.
  float* out;                          // in C order
  float s, t;
};

}  // namespace lw
