// Activations of vectors, for epilogues and for the kernels in activation.cpp.
#pragma once

#include "cpp/kernels/activation.h"
#include "cpp/kernels/simd_math.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

constexpr float selu_scale = 1.05070098735548049342f, selu_alpha = 1.67326324235437728482f;

LIKEWISE_INLINE Vec normal_cdf(Vec z) { return fma(erf(z * 0.707106781f), 0.5f, 0.5f); }
LIKEWISE_INLINE Vec gelu_tanh_inner(Vec z) {  // sqrt(2 / pi) (z + 0.044715 z^3)
  return z * fma(z * z, 0.797884561f * 0.044715f, 0.797884561f);
}
// tanh(softplus(z)) = n / (n + 2) with n = e^z (e^z + 2); beyond z = 20 it is 1.
LIKEWISE_INLINE Vec tanh_of_softplus(Vec z) {
  const Vec e = exp(min(z, 20.f));
  const Vec n = e * (e + 2.f);
  return n / (n + 2.f);
}

// One activation, fixed at compile time: y = value(z), and dy/dz = slope(z, y). `alpha` is the slope of leaky_relu and
// the scale of elu below zero.
template <Activation>
struct Activated;
template <Activation which>
constexpr Activation activation_of(Activated<which>) {
  return which;
}

template <>
struct Activated<Activation::linear> {
  LIKEWISE_INLINE static Vec value(Vec z, float) { return z; }
  LIKEWISE_INLINE static Vec slope(Vec, Vec, float) { return 1.f; }
};
template <>
struct Activated<Activation::relu> {
  LIKEWISE_INLINE static Vec value(Vec z, float) { return max(z, 0.f); }
  LIKEWISE_INLINE static Vec slope(Vec, Vec y, float) { return select(y > 0.f, 1.f, 0.f); }
};
template <>
struct Activated<Activation::sigmoid> {
  LIKEWISE_INLINE static Vec value(Vec z, float) { return sigmoid(z); }
  LIKEWISE_INLINE static Vec slope(Vec, Vec y, float) { return y * (1.f - y); }
};
template <>
struct Activated<Activation::tanh> {
  LIKEWISE_INLINE static Vec value(Vec z, float) { return tanh(z); }
  LIKEWISE_INLINE static Vec slope(Vec, Vec y, float) { return fma(-y, y, 1.f); }
};
template <>
struct Activated<Activation::leaky_relu> {
  LIKEWISE_INLINE static Vec value(Vec z, float alpha) { return select(z > 0.f, z, alpha * z); }
  LIKEWISE_INLINE static Vec slope(Vec, Vec y, float alpha) { return select(y > 0.f, 1.f, alpha); }
};
template <>
struct Activated<Activation::relu6> {
  LIKEWISE_INLINE static Vec value(Vec z, float) { return min(max(z, 0.f), 6.f); }
  LIKEWISE_INLINE static Vec slope(Vec, Vec y, float) { return select((y > 0.f) & (y < 6.f), 1.f, 0.f); }
};
template <>
struct Activated<Activation::elu> {
  LIKEWISE_INLINE static Vec value(Vec z, float alpha) { return select(z > 0.f, z, alpha * expm1(z)); }
  LIKEWISE_INLINE static Vec slope(Vec, Vec y, float alpha) { return select(y > 0.f, 1.f, y + alpha); }
};
template <>
struct Activated<Activation::selu> {
  LIKEWISE_INLINE static Vec value(Vec z, float) { return selu_scale * select(z > 0.f, z, selu_alpha * expm1(z)); }
  LIKEWISE_INLINE static Vec slope(Vec, Vec y, float) {
    return select(y > 0.f, selu_scale, y + selu_scale * selu_alpha);
  }
};
template <>
struct Activated<Activation::gelu> {
  LIKEWISE_INLINE static Vec value(Vec z, float) { return z * normal_cdf(z); }
  LIKEWISE_INLINE static Vec slope(Vec z, Vec, float) {
    return fma(z * 0.398942280f, exp(z * z * -0.5f), normal_cdf(z));
  }
};
template <>
struct Activated<Activation::gelu_tanh> {
  LIKEWISE_INLINE static Vec value(Vec z, float) { return z * sigmoid(2.f * gelu_tanh_inner(z)); }
  LIKEWISE_INLINE static Vec slope(Vec z, Vec, float) {
    const Vec s = sigmoid(2.f * gelu_tanh_inner(z));
    const Vec inner_slope = fma(z * z, 3.f * 0.797884561f * 0.044715f, 0.797884561f);
    return fma(2.f * z * s * (1.f - s), inner_slope, s);
  }
};
template <>
struct Activated<Activation::silu> {
  LIKEWISE_INLINE static Vec value(Vec z, float) { return z * sigmoid(z); }
  LIKEWISE_INLINE static Vec slope(Vec z, Vec, float) {
    const Vec s = sigmoid(z);
    return s * fma(z, 1.f - s, 1.f);
  }
};
template <>
struct Activated<Activation::softplus> {
  LIKEWISE_INLINE static Vec value(Vec z, float) { return softplus(z); }
  LIKEWISE_INLINE static Vec slope(Vec, Vec y, float) { return -expm1(-y); }
};
template <>
struct Activated<Activation::softsign> {
  LIKEWISE_INLINE static Vec value(Vec z, float) { return z / (1.f + abs(z)); }
  LIKEWISE_INLINE static Vec slope(Vec, Vec y, float) {
    const Vec root = 1.f - abs(y);
    return root * root;
  }
};
template <>
struct Activated<Activation::exponential> {
  LIKEWISE_INLINE static Vec value(Vec z, float) { return exp(z); }
  LIKEWISE_INLINE static Vec slope(Vec, Vec y, float) { return y; }
};
template <>
struct Activated<Activation::hard_sigmoid> {
  LIKEWISE_INLINE static Vec value(Vec z, float) { return min(max(fma(z, 1.f / 6.f, 0.5f), 0.f), 1.f); }
  LIKEWISE_INLINE static Vec slope(Vec, Vec y, float) { return select((y > 0.f) & (y < 1.f), 1.f / 6.f, 0.f); }
};
template <>
struct Activated<Activation::hard_silu> {
  LIKEWISE_INLINE static Vec value(Vec z, float) { return z * min(max(fma(z, 1.f / 6.f, 0.5f), 0.f), 1.f); }
  LIKEWISE_INLINE static Vec slope(Vec z, Vec, float) {
    return select(z <= -3.f, 0.f, select(z >= 3.f, 1.f, fma(z, 1.f / 3.f, 0.5f)));
  }
};
template <>
struct Activated<Activation::mish> {
  LIKEWISE_INLINE static Vec value(Vec z, float) { return z * tanh_of_softplus(z); }
  LIKEWISE_INLINE static Vec slope(Vec z, Vec, float) {
    const Vec t = tanh_of_softplus(z);
    return fma(z * sigmoid(z), fma(-t, t, 1.f), t);
  }
};

// Calls use(Activated<activation>{}) for the activation given at run time.
template <typename Use>
LIKEWISE_INLINE void with_activation(Activation activation, const Use& use) {
  switch (activation) {
    case Activation::linear: return use(Activated<Activation::linear>{});
    case Activation::relu: return use(Activated<Activation::relu>{});
    case Activation::sigmoid: return use(Activated<Activation::sigmoid>{});
    case Activation::tanh: return use(Activated<Activation::tanh>{});
    case Activation::leaky_relu: return use(Activated<Activation::leaky_relu>{});
    case Activation::relu6: return use(Activated<Activation::relu6>{});
    case Activation::elu: return use(Activated<Activation::elu>{});
    case Activation::selu: return use(Activated<Activation::selu>{});
    case Activation::gelu: return use(Activated<Activation::gelu>{});
    case Activation::gelu_tanh: return use(Activated<Activation::gelu_tanh>{});
    case Activation::silu: return use(Activated<Activation::silu>{});
    case Activation::softplus: return use(Activated<Activation::softplus>{});
    case Activation::softsign: return use(Activated<Activation::softsign>{});
    case Activation::exponential: return use(Activated<Activation::exponential>{});
    case Activation::hard_sigmoid: return use(Activated<Activation::hard_sigmoid>{});
    case Activation::hard_silu: return use(Activated<Activation::hard_silu>{});
    case Activation::mish: return use(Activated<Activation::mish>{});
  }
}

// The activation of one vector, chosen at run time, with Keras' parameters: an epilogue's.
LIKEWISE_INLINE Vec activate(Activation activation, Vec z) {
  Vec y = z;
  with_activation(activation, [&](auto one) { y = decltype(one)::value(z, default_alpha(activation)); });
  return y;
}

// dz = activation'(z) dy, `kept` as in ActivationBackward
[[maybe_unused]] void slopes(Activation activation, float alpha, const float* kept, const float* dy, i64 count,
                             float* dz) {
  with_activation(activation, [&](auto one) {
    for_lanes(count, [&](i64 j, auto lanes) {
      const Vec value = lanes.load(kept + j);
      lanes.store(dz + j, decltype(one)::slope(value, value, alpha) * lanes.load(dy + j));
    });
  });
}

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
