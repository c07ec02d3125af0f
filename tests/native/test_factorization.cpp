#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "cpp/backend/dispatch.h"
#include "cpp/core/parallel.h"
#include "cpp/core/random.h"
#include "cpp/kernels/factorization.h"
#include "tests/native/check.h"

using namespace lw;

namespace {

// Rows and their moments from enormous to denormal, and what arithmetic has at its edges.
struct Rows {
  i64 rows, dim;
  std::vector<float> values, first, second;

  Rows(i64 row_count, i64 columns) : rows(row_count), dim(columns) {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    const float edges[] = {0.0f, -0.0f, infinity, -infinity, std::nanf(""), 1e-45f, -3e-42f, 1.2e-38f, 3e38f};
    for (i64 j = 0; j < rows * dim; ++j) {
      const Random4 random = philox(1, 0, static_cast<u64>(j));
      const auto spread = [&](int word, int least, int most) {
        return std::ldexp(unit(random.word[word]) - 0.5f,
                          least + static_cast<int>(random.word[3] >> word) % (most - least));
      };
      const bool edge = random.word[3] % 16 == 0;
      values.push_back(edge ? edges[random.word[0] % std::size(edges)] : spread(0, -20, 4));
      first.push_back(edge ? edges[random.word[1] % std::size(edges)] : spread(1, -140, 2));
      second.push_back(std::abs(edge ? edges[random.word[2] % std::size(edges)] : spread(2, -140, 2)));
      if (j / dim % 5 == 0) first.back() = second.back() = 0.0f;  // rows that never had a gradient
    }
  }
  RowTable table() { return {rows, dim, values.data(), first.data(), second.data()}; }
};

// Every row at every step.
void sweep(Rows& rows, const std::vector<RowUpdate>& updates, const std::vector<i32>& made) {
  for (i64 j = 0; j < rows.rows * rows.dim; ++j) {
    float &value = rows.values[j], &first = rows.first[j], &second = rows.second[j];
    for (std::size_t step = static_cast<std::size_t>(made[j / rows.dim]); step < updates.size(); ++step) {
      const RowUpdate& u = updates[step];
      first = u.beta1 * first + 0.0f;
      second = u.beta2 * second + 0.0f;
      value -= u.rate * first / (std::sqrt(second) + u.epsilon);
    }
  }
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  for (std::size_t j = 0; j < a.size(); ++j)
    if (std::bit_cast<u32>(a[j]) != std::bit_cast<u32>(b[j]) && !(std::isnan(a[j]) && std::isnan(b[j]))) return false;
  return true;
}

RowCatchUp catch_up_of(Rows& rows, Rows& biases, const std::vector<RowUpdate>& updates, std::vector<i32>& made) {
  RowCatchUp c = {.table = rows.table(),
                  .biases = biases.table(),
                  .updates = updates.data(),
                  .until = static_cast<i64>(updates.size()),
                  .rows = nullptr,
                  .count = 0,
                  .made = made.data(),
                  .made_after = static_cast<i32>(updates.size()),
                  .highest_rate = 0,
                  .lowest_epsilon = std::numeric_limits<float>::infinity()};
  for (const RowUpdate& u : updates) {
    c.highest_rate = std::max(c.highest_rate, u.rate);
    c.lowest_epsilon = std::min(c.lowest_epsilon, u.epsilon);
  }
  return c;
}

// Rates as Adam's corrections make them, times `rate`, times `growth` at every step.
std::vector<RowUpdate> updates_of(i64 steps, double rate, double growth, float epsilon, float beta1, float beta2) {
  std::vector<RowUpdate> updates;
  for (i64 t = 1; t <= steps; ++t) {
    const double correction = std::sqrt(1 - std::pow(double{beta2}, double(t)));
    const double now = rate * std::pow(growth, double(t)) * correction / (1 - std::pow(double{beta1}, double(t)));
    updates.push_back({RowRule::adam, float(now), float(epsilon * correction), beta1, beta2});
  }
  return updates;
}

}  // namespace

TEST(rows_that_catch_up_have_the_bits_of_a_sweep_at_every_step) {
  const std::vector<RowUpdate> settings[] = {
      updates_of(1, 0.01, 1, 1e-8f, 0.9f, 0.999f),     updates_of(7, 0.5, 1, 1e-8f, 0.9f, 0.999f),
      updates_of(1500, 0.01, 1, 1e-8f, 0.9f, 0.999f),  updates_of(300, 1e-6, 1.05, 1e-8f, 0.9f, 0.999f),
      updates_of(300, 10, 0.97, 1e-3f, 0.9f, 0.999f),  updates_of(400, 0.01, 1, 1e-8f, 0.99f, 0.5f),
      updates_of(400, 0.01, 1, 1e-30f, 0.9f, 0.999f),  updates_of(400, 0.01, 1, 1e-8f, 0.0f, 0.999f),
      updates_of(400, 0.01, 1, 1e-8f, 0.999f, 0.999f), updates_of(200, 0, 1, 1e-8f, 0.9f, 0.999f)};
  for (const std::vector<RowUpdate>& updates : settings)
    for (const int threads : {1, 2}) {
      set_num_threads(threads);
      Rows rows(203, 21), biases(203, 1), swept = rows, swept_biases = biases;
      std::vector<i32> made(203);
      for (std::size_t row = 0; row < made.size(); ++row) made[row] = static_cast<i32>(row % (updates.size() + 1));
      sweep(swept, updates, made);
      sweep(swept_biases, updates, made);
      kernels(Device::cpu).factorization_catch_up(catch_up_of(rows, biases, updates, made));
      CHECK(same_bits(rows.values, swept.values) && same_bits(rows.first, swept.first));
      CHECK(same_bits(rows.second, swept.second) && same_bits(biases.values, swept_biases.values));
      for (const i32 steps : made) CHECK(steps == static_cast<i32>(updates.size()));
    }
}

TEST(only_listed_rows_catch_up) {
  const std::vector<RowUpdate> updates = updates_of(40, 0.01, 1, 1e-8f, 0.9f, 0.999f);
  Rows rows(50, 16), biases(50, 1), before = rows, swept = rows;
  std::vector<i32> made(50, 3), listed = {4, 9, 17, 49};
  sweep(swept, updates, made);
  RowCatchUp c = catch_up_of(rows, biases, updates, made);
  c.rows = listed.data(), c.count = 4, c.made_after = 41;
  kernels(Device::cpu).factorization_catch_up(c);
  for (i32 row = 0; row < 50; ++row) {
    const bool moved = row == 4 || row == 9 || row == 17 || row == 49;
    CHECK(made[static_cast<std::size_t>(row)] == (moved ? 41 : 3));
    const Rows& expected = moved ? swept : before;
    const std::vector<float> got(rows.first.begin() + row * 16, rows.first.begin() + row * 16 + 16);
    CHECK(same_bits(got, {expected.first.begin() + row * 16, expected.first.begin() + row * 16 + 16}));
  }
}
