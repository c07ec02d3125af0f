// Activations by Keras' names, shared by kernels (epilogues), ops and bindings.
#pragma once

#include "cpp/core/types.h"

namespace lw {

enum class Activation : u8 {
  linear,
  relu,
  sigmoid,
  tanh,
  leaky_relu,
  relu6,
  elu,
  selu,
  gelu,
  gelu_tanh,
  silu,
  softplus,
  softsign,
  exponential,
  hard_sigmoid,
  hard_silu,
  mish
};

constexpr const char* name_of(Activation activation) {
  switch (activation) {
    case Activation::linear: return "linear";
    case Activation::relu: return "relu";
    case Activation::sigmoid: return "sigmoid";
    case Activation::tanh: return "tanh";
    case Activation::leaky_relu: return "leaky_relu";
    case Activation::relu6: return "relu6";
    case Activation::elu: return "elu";
    case Activation::selu: return "selu";
    case Activation::gelu: return "gelu";
    case Activation::gelu_tanh: return "gelu_tanh";
    case Activation::silu: return "silu";
    case Activation::softplus: return "softplus";
    case Activation::softsign: return "softsign";
    case Activation::exponential: return "exponential";
    case Activation::hard_sigmoid: return "hard_sigmoid";
    case Activation::hard_silu: return "hard_silu";
    case Activation::mish: return "mish";
  }
  return "?";
}

// Keras' parameter of leaky_relu (the slope below zero) and elu (the scale below zero).
constexpr float default_alpha(Activation activation) { return activation == Activation::leaky_relu ? 0.2f : 1.f; }

// Is the slope a function of z, not of the value alone? Then the gradient needs z.
constexpr bool needs_input(Activation activation) {
  return activation == Activation::gelu || activation == Activation::gelu_tanh || activation == Activation::silu ||
         activation == Activation::hard_silu || activation == Activation::mish;
}

// y = activation(z)
struct ActivationForward {
  Activation activation;
  float alpha;
  i64 count;
  const float* z;
  float* y;
};

// dz = activation'(z) dy
struct ActivationBackward {
  Activation activation;
  float alpha;
  i64 count;
  const float* kept;  // z where needs_input, else y
  const float* dy;
  float* dz;
};

}  // namespace lw
