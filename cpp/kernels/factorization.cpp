#include "cpp/kernels/factorization.h"

#include "cpp/core/arena.h"
#include "cpp/core/parallel.h"
#include "cpp/kernels/simd.h"
#include "cpp/kernels/simd_math.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

constexpr i64 block_lanes = 4 * vector_lanes;  // the part of a row that is kept in registers
constexpr i64 block_entries = 128;             // scored together; their rows stay in the first cache
constexpr i64 ahead = 12;                      // rows a prefetch runs ahead

LIKEWISE_INLINE void prefetch_row(const float* row, i64 dim) {
  for (i64 j = 0; j < dim; j += 16) __builtin_prefetch(row + j);
}
LIKEWISE_INLINE void prefetch_row(const RowTable& table, i64 row) {
  prefetch_row(table.values + row * table.dim, table.dim);
  if (table.first != nullptr) prefetch_row(table.first + row * table.dim, table.dim);
  if (table.second != nullptr) prefetch_row(table.second + row * table.dim, table.dim);
}

// Runs body(j, lanes, Lanes<count>) over a row in blocks of four vectors, then vector by vector.
template <int count>
struct Block {
  Vec vec[count];
};
template <typename Body>
LIKEWISE_INLINE void for_blocks(i64 dim, const Body& body) {
  i64 j = 0;
  for (; j + block_lanes <= dim; j += block_lanes) body(j, Block<4>{}, WholeLanes{});
  for (; j + vector_lanes <= dim; j += vector_lanes) body(j, Block<1>{}, WholeLanes{});
  if (j < dim) body(j, Block<1>{}, TailLanes{dim - j});
}
template <int count, typename Each>
LIKEWISE_INLINE void each_vector(Block<count>&, const Each& each) {
  for (int i = 0; i < count; ++i) each(i, i * vector_lanes);
}

LIKEWISE_INLINE float dot(const float* a, const float* b, i64 dim) {
  Vec total(0.0f);
  for_blocks(dim, [&](i64 j, auto block, auto lanes) {
    each_vector(block, [&](int i, i64 k) { block.vec[i] = lanes.load(a + j + k) * lanes.load(b + j + k); });
    if constexpr (sizeof(block) == sizeof(Block<4>))
      total += (block.vec[0] + block.vec[1]) + (block.vec[2] + block.vec[3]);
    else
      total += block.vec[0];
  });
  return sum(total);
}

// x -> softplus(x) and its slope, the logistic function of x.
void softplus_and_slope(i64 count, float* x, float* slope) {
  for_lanes(count, [&](i64 j, auto lanes) {
    const Vec value = lanes.load(x + j);
    lanes.store(slope + j, sigmoid(value));
    lanes.store(x + j, softplus(value));
  });
}

// scores [positions, 1 + negatives] -> dloss/dscore in place, and each position's loss.
void bpr(i64 positions, i64 negatives, float* scores, float* losses) {
  Scratch scratch;
  const i64 width = 1 + negatives, count = positions * negatives;
  float* difference = scratch.floats(count);
  float* slope = scratch.floats(count);
  for (i64 p = 0; p < positions; ++p)
    for (i64 k = 0; k < negatives; ++k) difference[p * negatives + k] = scores[p * width + 1 + k] - scores[p * width];
  softplus_and_slope(count, difference, slope);
  const float share = 1.0f / static_cast<float>(negatives);
  for (i64 p = 0; p < positions; ++p) {
    float loss = 0, total = 0;
    for (i64 k = 0; k < negatives; ++k) {
      const float g = slope[p * negatives + k] * share;
      scores[p * width + 1 + k] = g;
      total += g;
      loss += difference[p * negatives + k] * share;
    }
    scores[p * width] = -total;
    losses[p] = loss;
  }
}

void bce(i64 positions, i64 negatives, float* scores, float* losses) {
  Scratch scratch;
  const i64 width = 1 + negatives;
  float* slope = scratch.floats(positions * width);
  for (i64 p = 0; p < positions; ++p) scores[p * width] = -scores[p * width];
  softplus_and_slope(positions * width, scores, slope);
  for (i64 p = 0; p < positions; ++p) {
    float loss = 0;
    for (i64 slot = 0; slot < width; ++slot) loss += scores[p * width + slot];
    losses[p] = loss;
    slope[p * width] = -slope[p * width];
  }
  for_lanes(positions * width, [&](i64 j, auto lanes) { lanes.store(scores + j, lanes.load(slope + j)); });
}

void softmax(i64 positions, i64 negatives, float* scores, float* losses) {
  const i64 width = 1 + negatives;
  for (i64 p = 0; p < positions; ++p) {
    float* s = scores + p * width;
    float top = s[0];
    for (i64 slot = 1; slot < width; ++slot) top = s[slot] > top ? s[slot] : top;
    const float positive = s[0];
    Vec total(0.0f);
    for_lanes(width, [&](i64 j, auto lanes) {
      const Vec e = exp(lanes.load(s + j) - Vec(top));
      lanes.store(s + j, e);
      total += lanes.load(s + j);
    });
    const float mass = sum(total), scale = 1.0f / mass;
    for_lanes(width, [&](i64 j, auto lanes) { lanes.store(s + j, lanes.load(s + j) * Vec(scale)); });
    s[0] -= 1.0f;
    losses[p] = top + __builtin_logf(mass) - positive;
  }
}

void squared(i64 positions, const float* ratings, float* scores, float* losses) {
  for_lanes(positions, [&](i64 j, auto lanes) {
    const Vec error = lanes.load(scores + j) - lanes.load(ratings + j);
    lanes.store(losses + j, error * error);
    lanes.store(scores + j, error + error);
  });
}

struct Sgd {
  float rate;
  template <typename Lanes>
  LIKEWISE_INLINE void operator()(const RowTable& t, i64 at, Vec gradient, Lanes lanes) const {
    lanes.store(t.values + at, fma(Vec(-rate), gradient, lanes.load(t.values + at)));
  }
};
struct Adagrad {
  float rate, epsilon;
  template <typename Lanes>
  LIKEWISE_INLINE void operator()(const RowTable& t, i64 at, Vec gradient, Lanes lanes) const {
    const Vec second = fma(gradient, gradient, lanes.load(t.second + at));
    lanes.store(t.second + at, second);
    lanes.store(t.values + at, lanes.load(t.values + at) - Vec(rate) * gradient / (sqrt(second) + Vec(epsilon)));
  }
};
struct Adam {
  float rate, epsilon, beta1, beta2;
  template <typename Lanes>
  LIKEWISE_INLINE void operator()(const RowTable& t, i64 at, Vec gradient, Lanes lanes) const {
    const Vec first = fma(Vec(beta1), lanes.load(t.first + at), Vec(1.0f - beta1) * gradient);
    const Vec second = fma(Vec(beta2), lanes.load(t.second + at), Vec(1.0f - beta2) * gradient * gradient);
    lanes.store(t.first + at, first);
    lanes.store(t.second + at, second);
    lanes.store(t.values + at, lanes.load(t.values + at) - Vec(rate) * first / (sqrt(second) + Vec(epsilon)));
  }
};

// What the two halves of a step hand over.
struct Between {
  float* coefficients;  // [entries] scores, then dloss/dscore
  float* losses;        // [positions]
  float* old_users;     // [users, dim] the user rows before the step
};

LIKEWISE_INLINE float score_offset(const FactorizationStep& s, i64 user, i64 item) {
  return s.offset + (s.user_biases.values != nullptr ? s.user_biases.values[user] : 0.0f) +
         (s.item_biases.values != nullptr ? s.item_biases.values[item] : 0.0f);
}

// The bias of a row, whose gradient is the sum of its coefficients.
template <typename Rule>
LIKEWISE_INLINE void update_bias(const RowTable& biases, i64 row, float gradient, float decay, const Rule& rule) {
  rule(biases, row, Vec(gradient + decay * biases.values[row]), TailLanes{1});
}

void score(const FactorizationStep& s, i64 first_user, i64 last_user, float* scores) {
  const FactorizationBatch& b = s.batch;
  const i64 width = 1 + b.negatives, dim = s.users.dim, entries = b.positions * width;
  for (i64 at = first_user; at < last_user; ++at) {
    const i64 user = b.user[at];
    const float* row = s.users.values + user * dim;
    if (at + ahead < b.users) prefetch_row(s.users, b.user[at + ahead]);
    for (i64 entry = b.user_begin[at] * width; entry < b.user_begin[at + 1] * width; ++entry) {
      const i64 item = b.items[entry];
      if (entry + ahead < entries) prefetch_row(s.items.values + b.items[entry + ahead] * dim, dim);
      scores[entry] = dot(row, s.items.values + item * dim, dim) + score_offset(s, user, item);
    }
  }
}

void differentiate(const FactorizationStep& s, i64 begin, i64 end, const Between& between) {
  float* scores = between.coefficients + begin * (1 + s.batch.negatives);
  float* losses = between.losses + begin;
  switch (s.loss) {
    case FactorizationLoss::bpr: return bpr(end - begin, s.batch.negatives, scores, losses);
    case FactorizationLoss::bce: return bce(end - begin, s.batch.negatives, scores, losses);
    case FactorizationLoss::softmax: return softmax(end - begin, s.batch.negatives, scores, losses);
    case FactorizationLoss::squared: return squared(end - begin, s.batch.ratings + begin, scores, losses);
  }
}

// dp_u = sum over its entries of coefficient * q_item, then the update; the old row is kept for the items' gradients.
template <typename Rule>
LIKEWISE_INLINE void update_user(const FactorizationStep& s, i64 at, const Between& between, const Rule& rule) {
  const FactorizationBatch& b = s.batch;
  const i64 width = 1 + b.negatives, dim = s.users.dim, user = b.user[at];
  const i64 begin = b.user_begin[at] * width, end = b.user_begin[at + 1] * width;
  const float decay = s.decay_user * static_cast<float>(b.user_begin[at + 1] - b.user_begin[at]);
  float* old_row = between.old_users + at * dim;
  for_blocks(dim, [&](i64 j, auto block, auto lanes) {
    const float* row = s.users.values + user * dim + j;
    each_vector(block, [&](int i, i64 k) {
      const Vec value = lanes.load(row + k);
      lanes.store(old_row + j + k, value);
      block.vec[i] = Vec(decay) * value;
    });
    for (i64 entry = begin; entry < end; ++entry) {
      const Vec coefficient(between.coefficients[entry]);
      const float* item = s.items.values + b.items[entry] * dim + j;
      each_vector(block, [&](int i, i64 k) { block.vec[i] = fma(coefficient, lanes.load(item + k), block.vec[i]); });
    }
    each_vector(block, [&](int i, i64 k) { rule(s.users, user * dim + j + k, block.vec[i], lanes); });
  });
  if (s.user_biases.values == nullptr) return;
  float gradient = 0;
  for (i64 entry = begin; entry < end; ++entry) gradient += between.coefficients[entry];
  update_bias(s.user_biases, user, gradient, decay, rule);
}

// dq_i = sum over its entries of coefficient * p_user.
template <typename Rule>
LIKEWISE_INLINE void update_item(const FactorizationStep& s, i64 at, const Between& between, const Rule& rule) {
  const FactorizationBatch& b = s.batch;
  const i64 dim = s.items.dim, item = b.item[at];
  const i64 begin = b.item_begin[at], end = b.item_begin[at + 1];
  const float positives = static_cast<float>(b.item_positives[at]), all = static_cast<float>(end - begin);
  const float decay = s.decay_positive * positives + s.decay_negative * (all - positives);
  for_blocks(dim, [&](i64 j, auto block, auto lanes) {
    const float* row = s.items.values + item * dim + j;
    each_vector(block, [&](int i, i64 k) { block.vec[i] = Vec(decay) * lanes.load(row + k); });
    for (i64 e = begin; e < end; ++e) {
      const Vec coefficient(between.coefficients[b.entry[e]]);
      const float* user = between.old_users + b.entry_user[e] * dim + j;
      each_vector(block, [&](int i, i64 k) { block.vec[i] = fma(coefficient, lanes.load(user + k), block.vec[i]); });
    }
    each_vector(block, [&](int i, i64 k) { rule(s.items, item * dim + j + k, block.vec[i], lanes); });
  });
  if (s.item_biases.values == nullptr) return;
  float gradient = 0;
  for (i64 e = begin; e < end; ++e) gradient += between.coefficients[b.entry[e]];
  update_bias(s.item_biases, item, gradient, decay, rule);
}

// Moves the rows in [begin, end) that are not among the `count` ascending rows in the batch.
template <typename Rule>
void sweep(const RowTable& table, const i32* in_batch, i64 count, i64 begin, i64 end, const Rule& rule) {
  if (table.values == nullptr) return;
  i64 low = 0, high = count;  // the first row in the batch that is >= begin
  while (low < high) {
    const i64 middle = (low + high) / 2;
    if (in_batch[middle] < begin)
      low = middle + 1;
    else
      high = middle;
  }
  for (i64 from = begin; from < end; ++low) {
    const i64 to = low < count && in_batch[low] < end ? in_batch[low] : end;
    for_lanes((to - from) * table.dim, [&](i64 j, auto lanes) { rule(table, from * table.dim + j, Vec(0.0f), lanes); });
    from = to + 1;
  }
}

// Users first: scores, loss, and the users' rows, each by one task. Then the items' rows, each by one task, from the
// old user rows. A row's sums run over its samples in their order, so tasks can be cut anywhere.
template <typename Rule>
void run(const FactorizationStep& s, const Rule& rule) {
  const FactorizationBatch& b = s.batch;
  const i64 width = 1 + b.negatives, dim = s.users.dim, entries = b.positions * width;
  Scratch scratch;
  const Between between{scratch.floats(entries), scratch.floats(b.positions), scratch.floats(b.users * dim)};
  const double entry_ns = 4 + 0.2 * static_cast<double>(dim);
  const auto rows_per_task = [&](i64 rows) {
    return rows_for(10 + 0.5 * static_cast<double>(dim) +
                    entry_ns * static_cast<double>(entries) / static_cast<double>(rows > 0 ? rows : 1));
  };

  parallel_for(b.users, rows_per_task(b.users), [&](i64 begin, i64 end) {
    for (i64 from = begin; from < end;) {
      i64 to = from + 1;
      while (to < end && (b.user_begin[to + 1] - b.user_begin[from]) * width <= block_entries) ++to;
      score(s, from, to, between.coefficients);
      differentiate(s, b.user_begin[from], b.user_begin[to], between);
      for (i64 at = from; at < to; ++at) update_user(s, at, between, rule);
      from = to;
    }
  });
  if (!s.frozen_items) {
    parallel_for(b.distinct_items, rows_per_task(b.distinct_items), [&](i64 begin, i64 end) {
      for (i64 at = begin; at < end; ++at) {
        if (at + ahead < b.distinct_items) prefetch_row(s.items, b.item[at + ahead]);
        update_item(s, at, between, rule);
      }
    });
  }
  if (s.dense) {
    const i64 rows = rows_for(0.3 * static_cast<double>(dim));
    const auto sweep_rest = [&](const RowTable& table, const RowTable& biases, const i32* in_batch, i64 count) {
      parallel_for(table.rows, rows, [&](i64 begin, i64 end) {
        sweep(table, in_batch, count, begin, end, rule);
        sweep(biases, in_batch, count, begin, end, rule);
      });
    };
    sweep_rest(s.users, s.user_biases, b.user, b.users);
    sweep_rest(s.items, s.item_biases, b.item, b.distinct_items);
  }
  double total = 0;
  for (i64 p = 0; p < b.positions; ++p) total += static_cast<double>(between.losses[p]);
  *s.total_loss += total;
}

}  // namespace

void factorization_step(const FactorizationStep& s) {
  const RowUpdate& u = s.update;
  switch (u.rule) {
    case RowRule::sgd: return run(s, Sgd{u.rate});
    case RowRule::adagrad: return run(s, Adagrad{u.rate, u.epsilon});
    case RowRule::adam: return run(s, Adam{u.rate, u.epsilon, u.beta1, u.beta2});
  }
}

}  // namespace lw::LIKEWISE_LEVEL
