// What this processor can do at most, measured: fused multiply-adds in registers, reading, copying. Built by limits.py
// for the instruction-set level in use.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

#if defined(__AVX512F__)
constexpr int lanes = 16;
#elif defined(__AVX2__)
constexpr int lanes = 8;
#else
constexpr int lanes = 4;
#endif
typedef float Lanes __attribute__((vector_size(4 * lanes)));
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

Lanes multiply_add(Lanes a, Lanes b, Lanes c) { return a * b + c; }  // contracted: this file is built with it allowed

// Twelve independent chains cover the latency of two fused multiply-add units.
[[gnu::noipa]] float multiply_add_in_registers(std::int64_t repeats, Lanes x, Lanes y) {
  Lanes a = x, b = x + 1.f, c = x + 2.f, d = x + 3.f, e = x + 4.f, f = x + 5.f;
  Lanes g = x + 6.f, h = x + 7.f, i = x + 8.f, j = x + 9.f, k = x + 10.f, l = x + 11.f;
  for (std::int64_t n = 0; n < repeats; ++n) {
    a = multiply_add(a, x, y), b = multiply_add(b, x, y), c = multiply_add(c, x, y), d = multiply_add(d, x, y);
    e = multiply_add(e, x, y), f = multiply_add(f, x, y), g = multiply_add(g, x, y), h = multiply_add(h, x, y);
    i = multiply_add(i, x, y), j = multiply_add(j, x, y), k = multiply_add(k, x, y), l = multiply_add(l, x, y);
  }
  return (a + b + c + d + e + f + g + h + i + j + k + l)[0];
}

[[gnu::noipa]] float read_once(const Lanes* from, std::int64_t count) {
  Lanes a{}, b{}, c{}, d{}, e{}, f{}, g{}, h{};
  for (std::int64_t i = 0; i + 8 <= count; i += 8) {
    a += from[i], b += from[i + 1], c += from[i + 2], d += from[i + 3];
    e += from[i + 4], f += from[i + 5], g += from[i + 6], h += from[i + 7];
  }
  return (a + b + c + d + e + f + g + h)[0];
}

// The middle of 31 rates, each the sum over threads that work at the same time: body(thread) does `amount` of work.
template <typename Body>
double median_rate(int threads, double amount, const Body& body) {
  std::vector<double> rates;
  for (int round = 0; round < 31; ++round) {
    std::vector<double> seconds(static_cast<std::size_t>(threads));
    auto timed = [&](int thread) {
      body(thread);  // warm
      const auto start = Clock::now();
      body(thread);
      seconds[static_cast<std::size_t>(thread)] = seconds_since(start);
    };
    std::vector<std::thread> others;
    for (int thread = 1; thread < threads; ++thread) others.emplace_back(timed, thread);
    timed(0);
    for (auto& other : others) other.join();
    double rate = 0;
    for (double each : seconds) rate += amount / each;
    rates.push_back(rate);
  }
  std::nth_element(rates.begin(), rates.begin() + 15, rates.end());
  return rates[15];
}

volatile float sink;

std::vector<Lanes*> buffers(int threads, std::int64_t bytes) {
  std::vector<Lanes*> all;
  for (int thread = 0; thread < threads; ++thread) {
    all.push_back(
        static_cast<Lanes*>(std::aligned_alloc(4096, static_cast<std::size_t>((bytes + 4095) / 4096 * 4096))));
    std::fill_n(reinterpret_cast<float*>(all.back()), bytes / 4, 1.f);
  }
  return all;
}

}  // namespace

extern "C" {

int vector_lanes() { return lanes; }

double multiply_adds_flops(int threads) {  // FLOP/s
  constexpr std::int64_t repeats = 100'000;
  return median_rate(threads, 2. * 12 * lanes * repeats,
                     [](int) { sink = multiply_add_in_registers(repeats, Lanes{} + .5f, Lanes{} + .5f); });
}

double read_bandwidth(int threads, std::int64_t bytes) {  // bytes/s; every thread reads a buffer of its own
  const auto from = buffers(threads, bytes);
  const std::int64_t passes = std::max<std::int64_t>(1, 8'000'000 / bytes);
  const double rate = median_rate(threads, static_cast<double>(bytes * passes), [&](int thread) {
    for (std::int64_t pass = 0; pass < passes; ++pass)
      sink = read_once(from[static_cast<std::size_t>(thread)], bytes / static_cast<std::int64_t>(sizeof(Lanes)));
  });
  for (Lanes* each : from) std::free(each);
  return rate;
}

double copy_bandwidth(int threads, std::int64_t bytes) {  // bytes read plus bytes written, per second
  const auto from = buffers(threads, bytes), to = buffers(threads, bytes);
  const double rate = median_rate(threads, 2. * static_cast<double>(bytes), [&](int thread) {
    std::copy_n(from[static_cast<std::size_t>(thread)], bytes / static_cast<std::int64_t>(sizeof(Lanes)),
                to[static_cast<std::size_t>(thread)]);
  });
  for (Lanes* each : from) std::free(each);
  for (Lanes* each : to) std::free(each);
  return rate;
}

}  // extern "C"
