#include "cpp/kernels/factorization.h"

#include "cpp/core/arena.h"
#include "cpp/core/parallel.h"
#include "cpp/kernels/simd.h"
#include "cpp/kernels/simd_math.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

constexpr i64 block_lanes = 4 * vector_lanes;  // the part of a row that is kept in registers
constexpr i64 block_entries = 128;             // scored together; their rows stay in the first cache
constexpr i64 lines_ahead = 48;                // of 16 floats: so many reads are on their way from memory

LIKEWISE_INLINE void prefetch_row(const float* row, i64 dim) {
  for (i64 j = 0; j < dim; j += 16) __builtin_prefetch(row + j);
}
LIKEWISE_INLINE void prefetch_row(const RowTable& table, i64 row) {
  prefetch_row(table.values + row * table.dim, table.dim);
  if (table.first != nullptr) prefetch_row(table.first + row * table.dim, table.dim);
  if (table.second != nullptr) prefetch_row(table.second + row * table.dim, table.dim);
}
// Rows a prefetch of so many arrays runs ahead.
i64 rows_ahead(i64 dim, i64 arrays) {
  const i64 rows = lines_ahead / ((dim + 15) / 16 * arrays);
  return rows > 1 ? rows : 1;
}
i64 rows_ahead(const RowTable& table) {
  return rows_ahead(table.dim, 1 + (table.first != nullptr ? 1 : 0) + (table.second != nullptr ? 1 : 0));
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
  LIKEWISE_INLINE void remember(Vec gradient, Vec& first, Vec& second) const {
    first = fma(Vec(beta1), first, Vec(1.0f - beta1) * gradient);
    second = fma(Vec(beta2), second, Vec(1.0f - beta2) * gradient * gradient);
  }
  LIKEWISE_INLINE Vec moved(Vec value, Vec first, Vec second) const {
    return value - Vec(rate) * first / (sqrt(second) + Vec(epsilon));
  }
  template <typename Lanes>
  LIKEWISE_INLINE void operator()(const RowTable& t, i64 at, Vec gradient, Lanes lanes) const {
    Vec first = lanes.load(t.first + at), second = lanes.load(t.second + at);
    remember(gradient, first, second);
    lanes.store(t.first + at, first);
    lanes.store(t.second + at, second);
    lanes.store(t.values + at, moved(lanes.load(t.values + at), first, second));
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
  const i64 users_ahead = rows_ahead(s.users), items_ahead = rows_ahead(dim, 1);
  for (i64 at = first_user; at < last_user; ++at) {
    const i64 user = b.user[at];
    const float* row = s.users.values + user * dim;
    if (at + users_ahead < b.users) prefetch_row(s.users, b.user[at + users_ahead]);
    for (i64 entry = b.user_begin[at] * width; entry < b.user_begin[at + 1] * width; ++entry) {
      const i64 item = b.items[entry];
      if (entry + items_ahead < entries) prefetch_row(s.items.values + b.items[entry + items_ahead] * dim, dim);
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
    const i64 ahead = rows_ahead(s.items), users_ahead = rows_ahead(dim, 1);
    parallel_for(b.distinct_items, rows_per_task(b.distinct_items), [&](i64 begin, i64 end) {
      for (i64 at = begin; at < end; ++at) {
        if (at + ahead < b.distinct_items) prefetch_row(s.items, b.item[at + ahead]);
        // Half of the old rows are in another core's cache.
        for (i64 e = b.item_begin[at] + users_ahead; e < b.item_begin[at + 1] + users_ahead && e < entries; ++e)
          prefetch_row(between.old_users + b.entry_user[e] * dim, dim);
        update_item(s, at, between, rule);
      }
    });
  }
  double total = 0;
  for (i64 p = 0; p < b.positions; ++p) total += static_cast<double>(between.losses[p]);
  *s.total_loss += total;
}

// Whether no later step without gradient can change a value. With r a rate and e an epsilon, a step moves it by
//   |d| = r |m| / (sqrt(v) + e)
// and m and v shrink by b1 and b2, so the quotient shrinks by b1 / sqrt(b2) or more, if that is below 1 by more than
// the rounding of a product: then |d| stays below twice its bound of today. That fails once m or v is denormal, where
// rounding is coarse; m is then below 2^-126, and the floor covers it (v matters no more beside e, which must not be
// tiny). A value that neither the bound nor its negative changes is changed by nothing between them. Zeros, infinities
// and what is no number never pass, but where m = 0: then d = 0.
struct Settled {
  float twice_rate, epsilon, floor;

  explicit Settled(const RowCatchUp& c) : twice_rate(2.0f * c.highest_rate), epsilon(c.lowest_epsilon), floor(0) {
    const RowUpdate& u = c.updates[0];
    constexpr float rounding = 0x1p-22f;
    const bool shrinks = u.beta1 * (1.0f + rounding) < __builtin_sqrtf(u.beta2 * (1.0f - rounding));
    const float rate = c.highest_rate > 1.0f ? c.highest_rate : 1.0f;
    floor = shrinks && epsilon > 0x1p-60f ? rate * 0x1p-100f / epsilon : __builtin_inff();
  }
  LIKEWISE_INLINE bool operator()(Vec value, Vec first, Vec second) const {
    const Vec bound = max(Vec(twice_rate) * abs(first) / (sqrt(second) + Vec(epsilon)), Vec(floor));
    const u32 still = lanes_of((value + bound == value) & (value - bound == value)) |
                      lanes_of((first == Vec(0.0f)) & (second >= Vec(0.0f)));
    return still == (1u << vector_lanes) - 1;
  }
};

template <typename Lanes>
LIKEWISE_INLINE void catch_up(const RowTable& t, i64 at, const RowCatchUp& c, i64 step, const Settled& settled,
                              Lanes lanes) {
  constexpr i64 together = 8;  // steps between two questions whether there is more to do
  Vec value = lanes.load(t.values + at), first = lanes.load(t.first + at), second = lanes.load(t.second + at);
  if (lanes_of(first != Vec(0.0f)) == 0 && lanes_of(second != Vec(0.0f)) == 0) return;  // never had a gradient
  const auto rule = [&](i64 s) {
    const RowUpdate& u = c.updates[s];
    return Adam{u.rate, u.epsilon, u.beta1, u.beta2};
  };
  while (step < c.until && !settled(value, first, second))
    for (const i64 end = step + together < c.until ? step + together : c.until; step < end; ++step) {
      rule(step).remember(Vec(0.0f), first, second);
      value = rule(step).moved(value, first, second);
    }
  lanes.store(t.values + at, value);
  for (; step < c.until; ++step) rule(step).remember(Vec(0.0f), first, second);
  lanes.store(t.first + at, first);
  lanes.store(t.second + at, second);
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

void factorization_catch_up(const RowCatchUp& c) {
  const i64 count = c.rows != nullptr ? c.count : c.table.rows, dim = c.table.dim;
  const i64 ahead = rows_ahead(c.table);
  const Settled settled(c);
  const auto row_at = [&](i64 at) { return c.rows != nullptr ? c.rows[at] : at; };
  const double steps = c.until < 64 ? static_cast<double>(c.until) : 64.0;
  parallel_for(count, rows_for(10 + static_cast<double>(dim) * (0.5 + 0.3 * steps)), [&](i64 begin, i64 end) {
    for (i64 at = begin; at < end; ++at) {
      if (at + ahead < count) prefetch_row(c.table, row_at(at + ahead));
      const i64 row = row_at(at), made = c.made[row];
      c.made[row] = c.made_after;
      if (made >= c.until) continue;
      for_lanes(dim, [&](i64 j, auto lanes) { catch_up(c.table, row * dim + j, c, made, settled, lanes); });
      if (c.biases.values != nullptr) catch_up(c.biases, row, c, made, settled, TailLanes{1});
    }
  });
}

}  // namespace lw::LIKEWISE_LEVEL
