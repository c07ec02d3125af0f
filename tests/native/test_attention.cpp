#include <algorithm>
#include <vector>

#include "cpp/backend/dispatch.h"
#include "cpp/core/parallel.h"
#include "cpp/core/random.h"
#include "cpp/kernels/table.h"
#include "tests/native/check.h"

using namespace lw;

namespace {

// Buffers of exactly the size a kernel may touch, so that the sanitizers see a step beyond.
using Floats = std::vector<float>;

Floats drawn(i64 count, u64 seed) {
  Floats values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(philox(seed, 0, i).word[0]) * 0x1p-31f - 1.f;
  return values;
}

// Two sequences, the first of one row, whose keys are those of the queries; causal, with dropout.
struct Problem {
  i64 rows, heads, key_dim, value_dim;
  std::vector<AttentionSequence> sequences;
  Floats q, k, v, dy, bias;
  i64 kept;

  Problem(i64 queries, i64 h, i64 key, i64 value)
      : rows(queries + 1),
        heads(h),
        key_dim(key),
        value_dim(value),
        q(drawn(rows * h * key, 1)),
        k(drawn(rows * h * key, 2)),
        v(drawn(rows * h * value, 3)),
        dy(drawn(rows * h * value, 4)),
        bias(drawn(h * 7, 5)),
        kept(h * (attention_stride(1) + queries * attention_stride(queries))) {
    sequences = {{0, 1, 0, 1, 0}, {1, queries, 1, queries, h * attention_stride(1)}};
  }
  AttentionForward forward(float* y, float* probabilities) const {
    return {{2, heads, key_dim, value_dim, sequences.data(), nullptr, true, 0.3f, bias.data(), 3, 0.25f, 42},
            q.data(),
            k.data(),
            v.data(),
            y,
            probabilities};
  }
};

struct Results {
  Floats y, dq, dk, dv, dbias;
  bool operator==(const Results&) const = default;
};

Results results_of(const Problem& p, bool keeps) {
  Results r = {Floats(p.dy.size()), Floats(p.q.size()), Floats(p.k.size()), Floats(p.v.size()), Floats(p.bias.size())};
  Floats kept(static_cast<std::size_t>(p.kept));
  const AttentionForward forward = p.forward(r.y.data(), keeps ? kept.data() : nullptr);
  kernels(Device::cpu).attention_forward(forward);
  kernels(Device::cpu)
      .attention_backward({forward, p.dy.data(), r.dq.data(), r.dk.data(), r.dv.data(), r.dbias.data()});
  return r;
}

// y of the last row and head, in double precision.
std::vector<double> last_row(const Problem& p) {
  const i64 queries = p.rows - 1, t = queries - 1, head = p.heads - 1;
  std::vector<double> weight(static_cast<std::size_t>(queries)), y(static_cast<std::size_t>(p.value_dim));
  double total = 0;
  for (i64 j = 0; j < queries; ++j) {
    double score = 0;
    for (i64 i = 0; i < p.key_dim; ++i)
      score += double{p.q[(p.rows - 1) * p.heads * p.key_dim + head * p.key_dim + i]} *
               p.k[(1 + j) * p.heads * p.key_dim + head * p.key_dim + i];
    weight[j] = std::exp(0.3f * score + p.bias[head * 7 + std::max<i64>(j - t, -3) + 3]);
    total += weight[j];
  }
  for (i64 j = 0; j < queries; ++j) {
    const u64 counter = static_cast<u64>(t / 4) << 32 | static_cast<u64>(j);
    const u32 word = philox(42, static_cast<u64>(head) << 32 | 1, counter).word[t % 4];
    if (unit(word) < 0.25f) continue;
    for (i64 i = 0; i < p.value_dim; ++i)
      y[i] += weight[j] / total / 0.75 * p.v[(1 + j) * p.heads * p.value_dim + head * p.value_dim + i];
  }
  return y;
}

}  // namespace

TEST(attention_is_that_of_double_precision) {
  for (i64 queries : {1, 7, 40, 41, 100, 203}) {
    const Problem p(queries, 2, 5, 9);
    const Results r = results_of(p, true);
    const std::vector<double> want = last_row(p);
    for (i64 i = 0; i < p.value_dim; ++i)
      CHECK_CLOSE(r.y[r.y.size() - static_cast<std::size_t>(p.value_dim - i)], want[i], 1e-5);
  }
}

TEST(probabilities_computed_again_give_the_same_bits) {
  for (i64 queries : {1, 16, 67, 700}) {
    const Problem p(queries, 3, 11, 8);
    CHECK(results_of(p, true) == results_of(p, false));
  }
}
