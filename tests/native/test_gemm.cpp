#include <cstring>
#include <limits>
#include <vector>

#include "cpp/backend/dispatch.h"
#include "cpp/core/parallel.h"
#include "cpp/core/random.h"
#include "tests/native/check.h"

using namespace lw;

namespace {

// Elements are philox(seed, position), so a matrix is the same whatever else was drawn.
float element(u64 seed, i64 position) {
  return static_cast<float>(philox(seed, 0, static_cast<u64>(position)).word[0]) * 0x1p-31f - 1.f;
}

struct Matrix {
  i64 rows, columns, stride;
  std::vector<float> values;

  Matrix(i64 rows, i64 columns, i64 gap, u64 seed) : rows(rows), columns(columns), stride(columns + gap) {
    values.assign(static_cast<std::size_t>(rows * stride + 1), std::numeric_limits<float>::quiet_NaN());
    for (i64 i = 0; i < rows; ++i)
      for (i64 j = 0; j < columns; ++j) at(i, j) = element(seed, i * columns + j);
  }
  float& at(i64 i, i64 j) { return values[static_cast<std::size_t>(i * stride + j)]; }
};

struct Product {
  i64 m, n, k;
  bool transpose_a, transpose_b, accumulate, bias;
  Activation activation;
  i64 gap;  // between rows: filled with NaN, never read into a result and never written

  Matrix a() const { return transpose_a ? Matrix(k, m, gap, 1) : Matrix(m, k, gap, 1); }
  Matrix b() const { return transpose_b ? Matrix(n, k, gap, 2) : Matrix(k, n, gap, 2); }
  Matrix c() const { return Matrix(m, n, gap, 3); }
  std::vector<float> biases() const {
    std::vector<float> all;
    for (i64 j = 0; j < n; ++j) all.push_back(element(4, j));
    return all;
  }

  Matrix compute(const KernelTable& table = kernels(Device::cpu)) const {
    Matrix left = a(), right = b(), result = c();
    const std::vector<float> added = biases();
    table.gemm({m, n, k, left.values.data(), left.stride, transpose_a, right.values.data(), right.stride, transpose_b,
                result.values.data(), result.stride, accumulate, bias ? added.data() : nullptr, activation});
    return result;
  }
};

bool same_bits(const Matrix& x, const Matrix& y) {
  return x.values.size() == y.values.size() && std::memcmp(x.values.data(), y.values.data(), 4 * x.values.size()) == 0;
}

// Held against float64; the rounding of k + 2 terms of size 1 is below (k + 2) 2^-24 each in the worst case.
void check_product(const Product& product) {
  Matrix a = product.a(), b = product.b(), before = product.c(), got = product.compute();
  const std::vector<float> bias = product.biases();
  double worst = 0;
  for (i64 i = 0; i < product.m; ++i)
    for (i64 j = 0; j < product.n; ++j) {
      double want = product.accumulate ? before.at(i, j) : 0., size = 1;
      for (i64 p = 0; p < product.k; ++p) {
        const double term = static_cast<double>(product.transpose_a ? a.at(p, i) : a.at(i, p)) *
                            (product.transpose_b ? b.at(j, p) : b.at(p, j));
        want += term;
        size += std::abs(term);
      }
      if (product.bias) want += bias[static_cast<std::size_t>(j)];
      if (product.activation == Activation::relu) want = std::max(want, 0.);
      const double error = std::abs(got.at(i, j) - want) / size;
      worst = error <= worst ? worst : error;
    }
  CHECK_CLOSE(worst, 0., 1e-6);
  bool gaps_untouched = true;
  for (i64 i = 0; i < product.m; ++i)
    for (i64 j = product.n; j < got.stride; ++j) gaps_untouched = gaps_untouched && std::isnan(got.at(i, j));
  CHECK(gaps_untouched);
}

const std::vector<i64> sizes = {1, 2, 3, 7, 8, 9, 12, 13, 16, 17, 31, 32, 33, 63, 65, 130};

}  // namespace

TEST(gemm_agrees_with_float64_for_every_edge) {
  for (i64 m : sizes)
    for (i64 n : sizes)
      for (i64 k : {1, 5, 16, 67}) {
        const u32 draw = philox(5, static_cast<u64>(m), static_cast<u64>(1000 * n + k)).word[0];
        check_product({m, n, k, (draw & 1) != 0, (draw & 2) != 0, (draw & 4) != 0, (draw & 8) != 0,
                       (draw & 16) != 0 ? Activation::relu : Activation::linear, draw >> 30});
      }
}

TEST(gemm_agrees_with_float64_for_every_transpose_and_epilogue) {
  for (i64 m : {1, 4, 21, 300})
    for (i64 n : {10, 48, 257})
      for (i64 k : {3, 256, 521})
        for (unsigned bits = 0; bits < 32; ++bits)
          check_product({m, n, k, (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0,
                         (bits & 16) != 0 ? Activation::relu : Activation::linear, 3});
}

TEST(gemm_of_large_products_agrees_with_float64) {
  for (i64 n : {192, 257})
    for (i64 k : {64, 521})
      for (unsigned bits = 0; bits < 32; ++bits)
        check_product({389, n, k, (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0,
                       (bits & 16) != 0 ? Activation::relu : Activation::linear, 3});
  for (bool transpose_b : {false, true})
    check_product({384, 2085, 70, false, transpose_b, true, true, Activation::relu, 200});
}

TEST(gemm_splits_a_long_k_of_a_transposed_a) {
  for (i64 k : {1000, 4096, 5001})
    for (bool accumulate : {false, true})
      for (bool bias : {false, true})
        check_product({20, 33, k, true, false, accumulate, bias, bias ? Activation::relu : Activation::linear, 1});
}

TEST(gemm_applies_every_activation_to_the_finished_sum) {
  for (int code = 0; code <= static_cast<int>(Activation::mish); ++code)
    for (i64 k : {7, 300}) {
      Product product{19, 45, k, false, false, true, true, Activation::linear, 2};
      Matrix sum = product.compute();
      product.activation = static_cast<Activation>(code);
      Matrix got = product.compute();
      // A product with one: the epilogue of a single term.
      Matrix want = sum;
      const float one = 1.f;
      for (i64 i = 0; i < product.m; ++i)
        for (i64 j = 0; j < product.n; ++j)
          kernels(Device::cpu)
              .gemm({1, 1, 1, &sum.at(i, j), 1, false, &one, 1, false, &want.at(i, j), 1, false, nullptr,
                     product.activation});
      CHECK(same_bits(got, want));
      CHECK(code == 0 || !same_bits(got, sum));
    }
}

TEST(gemm_over_no_k_gives_the_epilogue_of_what_was_there) {
  for (bool accumulate : {false, true})
    for (bool transpose_a : {false, true})
      check_product({5, 19, 0, transpose_a, false, accumulate, true, Activation::relu, 2});
  check_product({0, 5, 3, false, false, false, true, Activation::linear, 0});
  check_product({5, 0, 3, false, false, false, true, Activation::linear, 0});
}

TEST(gemm_gives_the_same_bits_with_any_number_of_threads) {
  const std::vector<Product> products = {
      {517, 130, 300, false, false, true, true, Activation::relu, 0},
      {64, 512, 600, false, true, false, false, Activation::linear, 0},
      {517, 700, 600, false, false, true, true, Activation::relu, 0},
      {40, 24, 5000, true, false, false, true, Activation::relu, 0},
      {4, 1000, 256, false, false, false, false, Activation::linear, 0},
  };
  for (const Product& product : products) {
    set_num_threads(1);
    const Matrix one = product.compute();
    for (int threads : {2, 4, 7}) {
      set_num_threads(threads);
      CHECK(same_bits(product.compute(), one));
    }
  }
  set_num_threads(2);
}

TEST(gemm_gives_the_same_bits_with_256_and_512_bit_vectors) {
  const KernelTable *v3 = usable_level("v3"), *v4 = usable_level("v4");
  if (v3 == nullptr || v4 == nullptr) return;
  for (unsigned bits = 0; bits < 4; ++bits)
    for (i64 m : {1, 7, 70, 400})
      for (i64 n : {5, 50, 300})
        for (i64 k : {9, 1100}) {
          const Product product{m, n, k, (bits & 1) != 0, (bits & 2) != 0, true, true, Activation::tanh, 1};
          CHECK(same_bits(product.compute(*v3), product.compute(*v4)));
        }
}

TEST(gemm_gives_a_row_the_same_bits_in_any_batch) {
  for (bool transpose_b : {false, true})
    for (i64 n : {10, 100, 520})
      for (i64 k : {50, 700}) {
        Product product{411, n, k, false, transpose_b, false, true, Activation::relu, 0};
        Matrix all = product.compute();
        for (i64 m : {1, 2, 3, 4, 5, 8, 13, 64, 200}) {
          product.m = m;  // elements depend on their position in A, so these are the first m rows
          Matrix few = product.compute();
          CHECK(std::memcmp(few.values.data(), all.values.data(), static_cast<std::size_t>(4 * m * n)) == 0);
        }
      }
}

TEST(gemm_passes_on_what_is_not_a_number) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float a[2] = {nan, 1.f}, b[1] = {1.f};
  float c[2] = {0.f, 0.f};
  kernels(Device::cpu).gemm({2, 1, 1, a, 1, false, b, 1, false, c, 1, false, nullptr, Activation::relu});
  CHECK(std::isnan(c[0]) && c[1] == 1.f);
}
