#include <cstring>
#include <limits>
#include <vector>

#include "cpp/backend/dispatch.h"
#include "cpp/core/random.h"
#include "tests/native/check.h"

using namespace lw;

namespace {

using Floats = std::vector<float>;

Floats drawn(i64 count, u64 seed, float low, float high) {
  Floats values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = low + (high - low) * static_cast<float>(philox(seed, 0, i).word[0]) * 0x1p-32f;
  return values;
}

// Rows without history, with one panel, and with several; buffers of exactly the size a kernel may touch.
struct Problem {
  static constexpr i64 rows = 5, n_others = 50;
  i64 dim;
  std::vector<i64> begin{0, 0, 1, 20, 84, 284};
  Floats others, gram, weights, ridge, start;
  std::vector<i32> history;

  explicit Problem(i64 dim)
      : dim(dim),
        others(drawn(n_others * dim, 1, -1, 1)),
        gram(static_cast<std::size_t>(dim * dim)),
        weights(drawn(begin.back(), 2, .5f, 2)),
        ridge(drawn(rows, 3, 5, 10)),
        start(drawn(rows * dim, 4, -.1f, .1f)) {
    for (i64 h = 0; h < begin.back(); ++h)
      history.push_back(static_cast<i32>(philox(5, 0, static_cast<u64>(h)).word[0] % n_others));
    for (i64 r = 0; r < dim; ++r)
      for (i64 c = 0; c < dim; ++c) {
        double total = 0;
        for (i64 k = 0; k < n_others; ++k) total += .3 * other(k, r) * other(k, c);
        gram[static_cast<std::size_t>(r * dim + c)] = static_cast<float>(total);
      }
  }
  double other(i64 row, i64 column) const { return others[static_cast<std::size_t>(row * dim + column)]; }

  // exact: least_squares, else conjugate_gradient of as many steps as the system needs.
  Floats solve(const KernelTable& table, bool exact, bool weighted, std::vector<double>& explained) const {
    Floats out = exact ? Floats(start.size(), std::numeric_limits<float>::quiet_NaN()) : start;
    explained.assign(rows, 0);
    const LeastSquares systems{rows,
                               dim,
                               others.data(),
                               gram.data(),
                               begin.data(),
                               history.data(),
                               weighted ? weights.data() : nullptr,
                               ridge.data(),
                               out.data(),
                               explained.data()};
    if (exact)
      table.least_squares(systems);
    else
      table.conjugate_gradient({systems, 60});
    return out;
  }

  // The largest |A p - b| of a row, beside b's largest.
  double worst(const Floats& p, bool weighted, const std::vector<double>& explained) const {
    double worst = 0;
    for (i64 row = 0; row < rows; ++row) {
      const float* x = p.data() + row * dim;
      double largest = 1, agreement = 0;
      for (i64 r = 0; r < dim; ++r) {
        double right = 0, left = static_cast<double>(ridge[static_cast<std::size_t>(row)]) * x[r];
        for (i64 c = 0; c < dim; ++c) left += static_cast<double>(gram[static_cast<std::size_t>(r * dim + c)]) * x[c];
        for (i64 h = begin[static_cast<std::size_t>(row)]; h < begin[static_cast<std::size_t>(row + 1)]; ++h) {
          const double weight = weighted ? weights[static_cast<std::size_t>(h)] : 1;
          const i64 item = history[static_cast<std::size_t>(h)];
          double product = 0;
          for (i64 c = 0; c < dim; ++c) product += other(item, c) * x[c];
          left += weight * product * other(item, r);
          right += weight * other(item, r);
        }
        agreement += right * x[r];
        largest = std::max(largest, std::abs(right));
        worst = std::max(worst, std::abs(left - right) / largest);
      }
      CHECK_CLOSE(explained[static_cast<std::size_t>(row)], agreement, 1e-4);
    }
    return worst;
  }
};

}  // namespace

TEST(both_solvers_satisfy_every_system) {
  std::vector<double> explained;
  for (const i64 dim : {1, 3, 7, 8, 9, 16, 23, 24, 31, 40, 48, 50, 64, 72, 100, 192})
    for (const bool weighted : {false, true})
      for (const bool exact : {false, true}) {
        const Problem problem(dim);
        const Floats p = problem.solve(kernels(Device::cpu), exact, weighted, explained);
        CHECK_CLOSE(problem.worst(p, weighted, explained), 0.0, 1e-4);
      }
}

TEST(solvers_are_the_same_bits_at_v3_and_v4) {
  const KernelTable *v3 = usable_level("v3"), *v4 = usable_level("v4");
  if (v3 == nullptr || v4 == nullptr) return;
  for (const i64 dim : {1, 7, 8, 23, 50, 64, 72, 100})
    for (const bool weighted : {false, true})
      for (const bool exact : {false, true}) {
        const Problem problem(dim);
        std::vector<double> narrow, wide;
        const Floats at_v3 = problem.solve(*v3, exact, weighted, narrow);
        const Floats at_v4 = problem.solve(*v4, exact, weighted, wide);
        CHECK(std::memcmp(at_v3.data(), at_v4.data(), at_v3.size() * sizeof(float)) == 0);
        CHECK(narrow == wide);
      }
}
