// Elementary functions of vectors, the same bits at every level with a fused multiply-add. Largest errors found over
// all exponents against double precision, in units in the last place (tests/native/test_simd_math.cpp): exp 1, expm1 2,
// log 1, log1p 2, sigmoid 3, tanh 2, softplus 2. Infinities, NaN, signed zeros and denormals as in <cmath>.
//
// The polynomials are minimax fits (Lawson's algorithm) on the reduced ranges named beside them.
#pragma once

#include "cpp/kernels/simd.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

LIKEWISE_INLINE Vec infinity() { return from_bits(broadcast_int(0x7f800000)); }
LIKEWISE_INLINE Vec not_a_number() { return from_bits(broadcast_int(0x7fc00000)); }
LIKEWISE_INLINE Vec sign_of(Vec x) { return from_bits(bits_of(x) & broadcast_int(static_cast<i32>(0x80000000))); }
LIKEWISE_INLINE Vec with_sign(Vec magnitude, Vec sign) { return from_bits(bits_of(magnitude) | bits_of(sign)); }

// c0 + c1 x + c2 x^2 + ... by Horner's rule.
LIKEWISE_INLINE Vec polynomial(Vec, float constant) { return constant; }
template <typename... Higher>
LIKEWISE_INLINE Vec polynomial(Vec x, float constant, Higher... higher) {
  return fma(polynomial(x, higher...), x, constant);
}

// ln 2 in two parts; the first has few digits, so that its products with exponents are exact.
constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;

// 2^n for an integer n in [-252, 254], as the product of two numbers that exist.
struct PowerOfTwo {
  Vec half, other_half;
  LIKEWISE_INLINE explicit PowerOfTwo(IntVec n) {
    const IntVec low = n >> 1;
    half = from_bits((low + broadcast_int(127)) << 23);
    other_half = from_bits((n - low + broadcast_int(127)) << 23);
  }
  LIKEWISE_INLINE Vec times(Vec x) const { return x * half * other_half; }
};

// x = n ln 2 + r with |r| <= ln 2 / 2, for |x| < 2^15.
struct ReducedExponent {
  Vec r;
  IntVec n;
  LIKEWISE_INLINE explicit ReducedExponent(Vec x) {
    const Vec round_to_integer = 0x1.8p23f;
    const Vec whole = fma(x, 1.44269504f, round_to_integer) - round_to_integer;
    n = to_int(whole);
    r = fma(whole, -ln2_low, fma(whole, -ln2_high, x));
  }
};

// (e^r - 1 - r) / r^2 on |r| <= ln 2 / 2
LIKEWISE_INLINE Vec exp_tail(Vec r) {
  return polynomial(r, 0.4999999403953552f, 0.1666651964187622f, 0.04166839271783829f, 0.008368780836462975f,
                    0.001381446490995586f);
}

LIKEWISE_INLINE Vec exp(Vec x) {
  const ReducedExponent reduced(min(max(x, -104.f), 89.f));
  const Vec r = reduced.r;
  return PowerOfTwo(reduced.n).times(fma(exp_tail(r), r * r, r) + 1.f);
}

// The same for -87 <= x <= 88, at half the cost; and where results below e^-87 do not matter: it stops there.
LIKEWISE_INLINE Vec exp_within(Vec x) {
  const ReducedExponent reduced(x);
  const Vec r = reduced.r;
  return from_bits(bits_of(fma(exp_tail(r), r * r, r) + 1.f) + (reduced.n << 23));
}
LIKEWISE_INLINE Vec exp_above_denormals(Vec x) { return exp_within(max(x, -87.f)); }

// e^x - 1 = (2^n - 1) + 2^n (e^r - 1)
LIKEWISE_INLINE Vec expm1(Vec x) {
  const ReducedExponent reduced(min(max(x, -104.f), 89.f));
  const Vec r = reduced.r;
  const PowerOfTwo scale(reduced.n);
  const Vec fraction = fma(exp_tail(r), r * r, r);
  const Vec large = scale.times(fraction) + (scale.times(1.f) - 1.f);
  return select(x == 0.f, x, select(x > 88.f, exp(x), large));
}

// (log(1 + f) - f + f^2 / 2) / f^3 on sqrt(1/2) - 1 <= f <= sqrt(2) - 1
LIKEWISE_INLINE Vec log_tail(Vec f) {
  return polynomial(f, 0.3333331346511841f, -0.25000008940696716f, 0.2000211924314499f, -0.1666799634695053f,
                    0.14219550788402557f, -0.12405591458082199f, 0.11888174712657928f, -0.11675640940666199f,
                    0.06746601313352585f);
}

// x = 2^k (1 + f):  log x = k ln 2 + log(1 + f)
LIKEWISE_INLINE Vec log(Vec x) {
  const Mask denormal = x < 0x1p-126f;
  const Vec scaled = select(denormal, x * 0x1p23f, x);
  const IntVec from_root_half = bits_of(scaled) - broadcast_int(0x3f3504f3);
  const IntVec k = from_root_half >> 23;
  const Vec exponent = to_float(k) - select(denormal, 23.f, 0.f);
  const Vec f = from_bits(bits_of(scaled) - (k << 23)) - 1.f;
  const Vec square = f * f;
  const Vec tail = fma(log_tail(f) * f, square, fma(square, -0.5f, exponent * ln2_low));
  const Vec value = fma(exponent, ln2_high, f + tail);
  return select(x == 0.f, -infinity(), select(x < 0.f, not_a_number(), select(x < infinity(), value, x)));
}

// log(1 + x), the rounding of 1 + x made good to first order.
LIKEWISE_INLINE Vec log1p(Vec x) {
  const Vec u = 1.f + x;
  const Vec value = log(u) + (x - (u - 1.f)) / u;
  const Mask regular = (x > -1.f) & (x < infinity()) & (x != 0.f);
  return select(regular, value, select(x == 0.f, x, log(u)));
}

LIKEWISE_INLINE Vec sigmoid(Vec x) {  // no overflow on either side
  const Vec e = exp(-abs(x));
  return select(x >= 0.f, 1.f, e) / (1.f + e);
}

LIKEWISE_INLINE Vec tanh(Vec x) {
  const Vec magnitude = abs(x), square = x * x;
  // (tanh x - x) / x^3 on |x| <= 0.6
  const Vec near_zero = fma(polynomial(square, -0.33333298563957214f, 0.13331924378871918f, -0.053783826529979706f,
                                       0.02079596370458603f, -0.005895150359719992f),
                            square * x, x);
  const Vec far = 1.f - 2.f / (exp_within(min(magnitude + magnitude, 40.f)) + 1.f);  // from 10 on it is 1
  return select(magnitude <= 0.6f, near_zero, with_sign(far, sign_of(x)));
}

LIKEWISE_INLINE Vec erf(Vec x) {
  const Vec magnitude = abs(x), square = x * x;
  // erf x / x - 1 on |x| <= 1
  const Vec near_zero =
      fma(polynomial(square, 0.1283791670955126f, -0.3761262595653534f, 0.1128358542919159f, -0.026853810995817184f,
                     0.005188327748328447f, -0.0008010192541405559f, 7.853857823647559e-05f),
          x, x);
  // log(erfc x) on 0.95 <= x <= 4; beyond, erf is 1 in single precision
  const Vec bounded = min(magnitude, 4.f);
  const Vec logarithm =
      polynomial(bounded, -0.0002447135921102017f, -1.1274750232696533f, -0.6375170350074768f, -0.10364032536745071f,
                 0.022087642922997475f, -0.003008537460118532f, 0.00019242607231717557f);
  return select(magnitude < 1.f, near_zero, with_sign(1.f - exp(logarithm), sign_of(x)));
}

// log(1 + e^x) = max(x, 0) + log(1 + e^-|x|)
LIKEWISE_INLINE Vec softplus(Vec x) { return max(x, 0.f) + log1p(exp(-abs(x))); }

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
