#include <utility>

#include "cpp/kernels/activation.h"
#include "cuda/check.h"
#include "cuda/device/grid.h"

namespace lw::cuda {
namespace {

constexpr float selu_scale = 1.05070098735548049342f, selu_alpha = 1.67326324235437728482f;

__device__ float sigmoid(float z) { return 1.f / (1.f + expf(-z)); }
__device__ float normal_cdf(float z) { return 0.5f + 0.5f * erff(z * 0.707106781f); }
__device__ float normal_density(float z) { return 0.398942280f * expf(-0.5f * z * z); }
__device__ float gelu_tanh_inner(float z) {  // sqrt(2 / pi) (z + 0.044715 z^3)
  return z * (0.797884561f + 0.797884561f * 0.044715f * z * z);
}
__device__ float softplus(float z) { return fmaxf(z, 0.f) + log1pf(expf(-fabsf(z))); }
// tanh(log(1 + e^z)) = n / (n + 2) of n = e^z (e^z + 2); beyond 20 it is 1.
struct TanhOfSoftplus {
  float value, complement;  // t, 1 - t
  __device__ explicit TanhOfSoftplus(float z) {
    const float e = expf(20.f < z ? 20.f : z), n = e * (e + 2.f);
    value = n / (n + 2.f), complement = 2.f / (n + 2.f);
  }
};
// As on the CPU, what is not a number stays so (fminf and fmaxf would drop it).
__device__ float clamp(float z, float low, float high) { return z < low ? low : high < z ? high : z; }
__device__ float hard_sigmoid(float z) { return clamp(z / 6.f + 0.5f, 0.f, 1.f); }

// y = f(z). `activation` is a constant where it is called: one kernel each.
__device__ float value(Activation activation, float z, float alpha) {
  switch (activation) {
    case Activation::linear: return z;
    case Activation::relu: return z < 0.f ? 0.f : z;
    case Activation::sigmoid: return sigmoid(z);
    case Activation::tanh: return tanhf(z);
    case Activation::leaky_relu: return z > 0.f ? z : alpha * z;
    case Activation::relu6: return clamp(z, 0.f, 6.f);
    case Activation::elu: return z > 0.f ? z : alpha * expm1f(z);
    case Activation::selu: return selu_scale * (z > 0.f ? z : selu_alpha * expm1f(z));
    case Activation::gelu: return z * normal_cdf(z);
    case Activation::gelu_tanh: return z * sigmoid(2.f * gelu_tanh_inner(z));
    case Activation::silu: return z * sigmoid(z);
    case Activation::softplus: return softplus(z);
    case Activation::softsign: return z / (1.f + fabsf(z));
    case Activation::exponential: return expf(z);
    case Activation::hard_sigmoid: return hard_sigmoid(z);
    case Activation::hard_silu: return z * hard_sigmoid(z);
    case Activation::mish: return z * TanhOfSoftplus(z).value;
  }
  return z;
}

// dy/dz, from z where needs_input(activation), else from y.
__device__ float slope(Activation activation, float kept, float alpha) {
  const float z = kept, y = kept;
  switch (activation) {
    case Activation::linear: return 1.f;
    case Activation::relu: return y > 0.f ? 1.f : 0.f;
    case Activation::sigmoid: return y * (1.f - y);
    case Activation::tanh: return 1.f - y * y;
    case Activation::leaky_relu: return y > 0.f ? 1.f : alpha;
    case Activation::relu6: return y > 0.f && y < 6.f ? 1.f : 0.f;
    case Activation::elu: return y > 0.f ? 1.f : y + alpha;
    case Activation::selu: return y > 0.f ? selu_scale : y + selu_scale * selu_alpha;
    case Activation::gelu: return normal_cdf(z) + z * normal_density(z);
    case Activation::gelu_tanh: {
      const float s = sigmoid(2.f * gelu_tanh_inner(z));
      const float inner_slope = 0.797884561f + 3.f * 0.797884561f * 0.044715f * z * z;
      return s + 2.f * z * s * (1.f - s) * inner_slope;
    }
    case Activation::silu: return sigmoid(z) * (1.f + z * (1.f - sigmoid(z)));
    case Activation::softplus: return -expm1f(-y);
    case Activation::softsign: return (1.f - fabsf(y)) * (1.f - fabsf(y));
    case Activation::exponential: return y;
    case Activation::hard_sigmoid: return y > 0.f && y < 1.f ? 1.f / 6.f : 0.f;
    case Activation::hard_silu: return z <= -3.f ? 0.f : z >= 3.f ? 1.f : z / 3.f + 0.5f;
    case Activation::mish: {
      const TanhOfSoftplus t(z);
      return t.value + z * sigmoid(z) * t.complement * (1.f + t.value);
    }
  }
  return 1.f;
}

// Calls load(r, i), then store(r, i) for this thread's share of the vectors i of four of `count` elements, with r = 0
// and 1 under way at a time; then each(i) for its share of the elements in no vector: three at most, or all if `quads`
// is 0.
template <typename Load, typename Store, typename Each>
__device__ void for_each_quad(i64 count, i64 quads, const Load& load, const Store& store, const Each& each) {
  const i64 step = grid_threads();
  for (i64 first = first_element(); first < quads; first += 2 * step) {
    const bool second = first + step < quads;
    load(0, first);
    if (second) load(1, first + step);
    store(0, first);
    if (second) store(1, first + step);
  }
  for (i64 i = 4 * quads + first_element(); i < count; i += step) each(i);
}

template <Activation activation>
__global__ void forward(ActivationForward k, i64 quads) {
  float4 z[2];
  const auto f = [&](float each) { return value(activation, each, k.alpha); };
  for_each_quad(
      k.count, quads, [&](int r, i64 i) { z[r] = quads_of(k.z)[i]; },
      [&](int r, i64 i) { quads_of(k.y)[i] = {f(z[r].x), f(z[r].y), f(z[r].z), f(z[r].w)}; },
      [&](i64 i) { k.y[i] = f(k.z[i]); });
}

template <Activation activation>
__global__ void backward(ActivationBackward k, i64 quads) {
  float4 kept[2], dy[2];
  const auto f = [&](float kept, float dy) { return slope(activation, kept, k.alpha) * dy; };
  for_each_quad(
      k.count, quads, [&](int r, i64 i) { kept[r] = quads_of(k.kept)[i], dy[r] = quads_of(k.dy)[i]; },
      [&](int r, i64 i) {
        quads_of(k.dz)[i] = {f(kept[r].x, dy[r].x), f(kept[r].y, dy[r].y), f(kept[r].z, dy[r].z),
                             f(kept[r].w, dy[r].w)};
      },
      [&](i64 i) { k.dz[i] = f(k.kept[i], k.dy[i]); });
}

// The kernels of all activations, in the order of their enumeration.
constexpr std::size_t activations = static_cast<std::size_t>(Activation::mish) + 1;
template <std::size_t... each>
auto forward_of(Activation activation, std::index_sequence<each...>) {
  static constexpr void (*kernels[])(ActivationForward, i64) = {forward<Activation{each}>...};
  return kernels[static_cast<std::size_t>(activation)];
}
template <std::size_t... each>
auto backward_of(Activation activation, std::index_sequence<each...>) {
  static constexpr void (*kernels[])(ActivationBackward, i64) = {backward<Activation{each}>...};
  return kernels[static_cast<std::size_t>(activation)];
}

}  // namespace

// y = f(z)
void activation_forward(const ActivationForward& k) {
  const auto kernel = forward_of(k.activation, std::make_index_sequence<activations>());
  kernel<<<blocks_for(k.count, 8 * block_threads), block_threads>>>(k, aligned(k.z, k.y) ? k.count / 4 : 0);
  check_launch("activation_forward");
}

// dz = f'(z) dy
void activation_backward(const ActivationBackward& k) {
  const auto kernel = backward_of(k.activation, std::make_index_sequence<activations>());
  kernel<<<blocks_for(k.count, 8 * block_threads), block_threads>>>(k, aligned(k.kept, k.dy, k.dz) ? k.count / 4 : 0);
  check_launch("activation_backward");
}

}  // namespace lw::cuda
