// gemm at recommender shapes: rows x outputs x inputs.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <random>

#include "cpp/backend/dispatch.h"
#include "cpp/core/parallel.h"

using namespace lw;

namespace {

struct Free {
  void operator()(float* values) const { std::free(values); }
};
using Values = std::unique_ptr<float[], Free>;

Values normal(i64 count) {  // aligned as the library's arrays are
  static std::mt19937 generator(7);
  std::normal_distribution<float> draw;
  Values values(static_cast<float*>(std::aligned_alloc(64, static_cast<std::size_t>((4 * count + 63) / 64 * 64))));
  for (i64 i = 0; i < count; ++i) values[static_cast<std::size_t>(i)] = draw(generator);
  return values;
}

void run(benchmark::State& state, bool transpose_a, bool transpose_b, bool bias_relu) {
  const i64 m = state.range(0), n = state.range(1), k = state.range(2);
  const Values a = normal(m * k), b = normal(k * n), bias = normal(n), c = normal(m * n);
  const Gemm arguments{m,
                       n,
                       k,
                       a.get(),
                       transpose_a ? m : k,
                       transpose_a,
                       b.get(),
                       transpose_b ? k : n,
                       transpose_b,
                       c.get(),
                       n,
                       false,
                       bias_relu ? bias.get() : nullptr,
                       bias_relu ? Activation::relu : Activation::linear};
  for (auto _ : state) {
    kernels(Device::cpu).gemm(arguments);
    benchmark::ClobberMemory();
  }
  const double done = 2e-9 * static_cast<double>(m * n * k) * static_cast<double>(state.iterations());
  state.counters["GFLOP/s"] = benchmark::Counter(done, benchmark::Counter::kIsRate);
  state.SetLabel(kernels(Device::cpu).name);
}

void shapes(benchmark::internal::Benchmark* bench) {
  for (i64 size : {1024, 2048}) bench->Args({size, size, size});
  for (i64 m : {64, 256, 1024, 4096})
    for (i64 n : {16, 32, 64, 128, 256, 512})
      for (i64 k : {16, 32, 64, 128, 256, 512}) bench->Args({m, n, k});
  for (i64 m : {1, 2, 4, 8}) bench->Args({m, 256, 256})->Args({m, 512, 128})->Args({m, 1024, 256});
  bench->Args({4096, 50, 50})->Args({4096, 100, 100})->Args({128, 10, 128});
  bench->UseRealTime()->Unit(benchmark::kMicrosecond);
}

BENCHMARK_CAPTURE(run, nn, false, false, false)->Apply(shapes);
BENCHMARK_CAPTURE(run, nn_bias_relu, false, false, true)->Apply(shapes);
BENCHMARK_CAPTURE(run, nt, false, true, false)->Apply(shapes);
BENCHMARK_CAPTURE(run, tn, true, false, false)->Apply(shapes);

}  // namespace
