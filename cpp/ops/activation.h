#pragma once

#include "cpp/autograd/tensor.h"
#include "cpp/kernels/activation.h"

namespace lw {

Array activation_forward(Activation activation, const Array& z, float alpha);
// f'(z) dy, where `kept` is z if needs_input(activation) and else the value f(z).
Array activation_backward(Activation activation, const Array& kept, const Array& dy, float alpha);

namespace ops {

// f(x) elementwise; `alpha` is the slope of leaky_relu and the scale of elu below zero.
Tensor activation(const Tensor& x, Activation activation, float alpha);

}  // namespace ops
}  // namespace lw
