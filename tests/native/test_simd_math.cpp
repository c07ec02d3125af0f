// Elementary functions against double precision: a stride through all bit patterns, and the special values.
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "cpp/backend/dispatch.h"
#include "tests/native/check.h"

using namespace lw;

namespace {

// Units in the last place of float between the value got and the one wanted.
double ulps(float got, double want) {
  const float rounded = static_cast<float>(want);
  if (std::isnan(want)) return std::isnan(got) ? 0 : 1e9;
  if (std::isinf(rounded) || std::isinf(got)) return rounded == got ? 0 : 1e9;
  const double spacing = std::max<double>(std::nextafter(std::abs(rounded), INFINITY) - std::abs(rounded), 0x1p-149);
  return std::abs(static_cast<double>(got) - want) / spacing;
}

std::vector<float> patterns() {
  std::vector<float> all;
  for (u64 bits = 0; bits < (u64{1} << 32); bits += 8191) {
    const u32 word = static_cast<u32>(bits);
    float value;
    std::memcpy(&value, &word, 4);
    all.push_back(value);
  }
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (float special : {0.f, -0.f, 1.f, -1.f, infinity, -infinity, std::nanf(""), 0x1p-149f, -0x1p-149f, 0x1p-126f,
                        88.72f, 88.73f, -87.33f, -103.9f, -104.1f, 3.4e38f})
    all.push_back(special);
  return all;
}

template <typename Function>
double worst(Function f, const std::vector<float>& x, const std::vector<float>& y) {
  double most = 0;
  for (std::size_t i = 0; i < x.size(); ++i) most = std::max(most, ulps(y[i], f(static_cast<double>(x[i]))));
  return most;
}

template <typename Function>
double worst_elementwise(Elementwise function, Function f) {
  const std::vector<float> x = patterns();
  std::vector<float> y(x.size());
  ElementwiseMap map{};
  map.function = function;
  map.rank = 1;
  map.shape[0] = static_cast<i64>(x.size());
  map.stride[0][0] = 1;
  map.input[0] = x.data();
  map.out = y.data();
  kernels(Device::cpu).elementwise(map);
  return worst(f, x, y);
}

template <typename Function>
double worst_activation(Activation activation, Function f) {
  const std::vector<float> x = patterns();
  std::vector<float> y(x.size());
  kernels(Device::cpu).activation_forward({activation, 1.f, static_cast<i64>(x.size()), x.data(), y.data()});
  return worst(f, x, y);
}

// v2 has no fused multiply-add: one unit more.
double allowed(double units) { return std::strcmp(kernels(Device::cpu).name, "v2") == 0 ? units + 1.5 : units; }

}  // namespace

TEST(exp_log_and_log1p_are_within_their_bounds) {
  CHECK(worst_elementwise(Elementwise::exp, [](double x) { return std::exp(x); }) <= allowed(1));
  CHECK(worst_elementwise(Elementwise::log, [](double x) { return std::log(x); }) <= allowed(1));
  CHECK(worst_elementwise(Elementwise::log1p, [](double x) { return std::log1p(x); }) <= allowed(2));
}

TEST(sigmoid_tanh_and_softplus_are_within_their_bounds) {
  CHECK(worst_activation(Activation::sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }) <= allowed(3));
  CHECK(worst_activation(Activation::tanh, [](double x) { return std::tanh(x); }) <= allowed(2));
  CHECK(worst_activation(Activation::softplus, [](double x) {
          return std::isnan(x) ? x : std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
        }) <= allowed(2));
}

TEST(elu_is_exact_near_zero) {  // by expm1
  CHECK(worst_activation(Activation::elu, [](double x) { return x > 0 ? x : std::expm1(x); }) <= allowed(2));
}
