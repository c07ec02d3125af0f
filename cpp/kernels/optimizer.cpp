#include "cpp/kernels/optimizer.h"

#include "cpp/core/arena.h"
#include "cpp/core/parallel.h"
#include "cpp/kernels/simd.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

constexpr i64 ahead = 12;  // rows at random places are asked for this many rows before they are used
constexpr double element_ns = 0.5;

// A rule is the formula of one optimizer: rule(at, lanes, p, g) gives the new p and updates its state at element `at`;
// rule.state(i) are the arrays of that state, for prefetching.
template <typename Rule>
LIKEWISE_INLINE void update_run(const Update& u, const Rule& rule, i64 begin, i64 count, const float* gradient) {
  for_lanes(count, [&](i64 j, auto lanes) {
    float* parameter = u.parameter + begin + j;
    const Vec stored = lanes.load(parameter);
    const Vec given = gradient ? lanes.load(gradient + j) : Vec(0.f);
    const Vec clipped = min(max(given * Vec(u.scale), Vec(-u.limit)), Vec(u.limit));
    const Vec sign = select(stored > 0.f, 1.f, select(stored < 0.f, -1.f, 0.f));
    const Vec g = fma(Vec(u.l1), sign, fma(Vec(u.l2), stored, clipped));
    lanes.store(parameter, rule(begin + j, lanes, fma(Vec(-u.decay), stored, stored), g));
  });
}

template <typename Rule>
LIKEWISE_INLINE void prefetch_state(const Update& u, const Rule& rule, i64 row) {
  for (i64 j = row * u.dim; j < (row + 1) * u.dim; j += vector_lanes) {
    __builtin_prefetch(u.parameter + j, 1);
    for (const float* state : rule.state)
      if (state) __builtin_prefetch(state + j, 1);
  }
}

template <typename Rule>
void update_dense(const Update& u, const Rule& rule) {
  parallel_for(u.rows * u.dim, rows_for(element_ns),
               [&](i64 begin, i64 end) { update_run(u, rule, begin, end - begin, u.gradient + begin); });
}

template <typename Rule>
void update_given_rows(const Update& u, const Rule& rule) {
  parallel_for(u.gradient_rows, rows_for(50 + element_ns * static_cast<double>(u.dim)), [&](i64 begin, i64 end) {
    for (i64 r = begin; r < end; ++r) {
      if (r + ahead < end) prefetch_state(u, rule, u.ids[r + ahead]);
      update_run(u, rule, u.ids[r] * u.dim, u.dim, u.gradient + r * u.dim);
    }
  });
}

// The first position in ids of an id >= row.
i64 position_of(const Update& u, i64 row) {
  i64 low = 0, high = u.gradient_rows;
  while (low < high) {
    const i64 middle = (low + high) / 2;
    if (u.ids[middle] < row)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

template <typename Rule>
void update_every_row(const Update& u, const Rule& rule) {
  parallel_for(u.rows, rows_for(element_ns * static_cast<double>(u.dim)), [&](i64 begin, i64 end) {
    i64 row = begin;
    for (i64 at = position_of(u, begin); row < end; ++at) {
      const bool found = at < u.gradient_rows && u.ids[at] < end;
      const i64 next = found ? u.ids[at] : end;
      update_run(u, rule, row * u.dim, (next - row) * u.dim, nullptr);
      if (found) update_run(u, rule, next * u.dim, u.dim, u.gradient + at * u.dim);
      row = next + 1;
    }
  });
}

template <typename Rule>
void update(const Update& u, const Rule& rule) {
  if (!u.ids)
    update_dense(u, rule);
  else if (u.every_row)
    update_every_row(u, rule);
  else
    update_given_rows(u, rule);
}

struct PlainSgd {
  const float* state[1] = {};
  float learning_rate;
  template <typename Lanes>
  LIKEWISE_INLINE Vec operator()(i64, Lanes, Vec p, Vec g) const {
    return fma(Vec(-learning_rate), g, p);
  }
};

struct MomentumSgd {
  float* state[1];
  float learning_rate, momentum;
  bool nesterov;
  template <typename Lanes>
  LIKEWISE_INLINE Vec operator()(i64 at, Lanes lanes, Vec p, Vec g) const {
    const Vec down = Vec(-learning_rate) * g;
    const Vec m = fma(Vec(momentum), lanes.load(state[0] + at), down);
    lanes.store(state[0] + at, m);
    return p + (nesterov ? fma(Vec(momentum), m, down) : m);
  }
};

struct Adagrad {
  float* state[1];
  float learning_rate, epsilon;
  template <typename Lanes>
  LIKEWISE_INLINE Vec operator()(i64 at, Lanes lanes, Vec p, Vec g) const {
    const Vec a = fma(g, g, lanes.load(state[0] + at));
    lanes.store(state[0] + at, a);
    return p - Vec(learning_rate) * g / sqrt(a + Vec(epsilon));
  }
};

template <bool centered, bool with_momentum>
struct Rmsprop {
  float* state[3];  // velocity, average, momentums
  float learning_rate, rho, momentum, epsilon;
  template <typename Lanes>
  LIKEWISE_INLINE Vec operator()(i64 at, Lanes lanes, Vec p, Vec g) const {
    const Vec fresh(1.f - rho);
    const Vec v = fma(Vec(rho), lanes.load(state[0] + at), fresh * g * g);
    lanes.store(state[0] + at, v);
    Vec spread = v;
    if constexpr (centered) {
      const Vec a = fma(Vec(rho), lanes.load(state[1] + at), fresh * g);
      lanes.store(state[1] + at, a);
      spread = v - a * a;
    }
    const Vec change = Vec(learning_rate) * g / sqrt(spread + Vec(epsilon));
    if constexpr (!with_momentum) return p - change;
    const Vec m = fma(Vec(momentum), lanes.load(state[2] + at), change);
    lanes.store(state[2] + at, m);
    return p - m;
  }
};

template <bool amsgrad>
struct Adam {
  float* state[3];  // momentums, velocities, highest
  float alpha, one_minus_beta_1, one_minus_beta_2, epsilon;
  template <typename Lanes>
  LIKEWISE_INLINE Vec operator()(i64 at, Lanes lanes, Vec p, Vec g) const {
    const Vec m_before = lanes.load(state[0] + at), v_before = lanes.load(state[1] + at);
    const Vec m = fma(g - m_before, Vec(one_minus_beta_1), m_before);
    const Vec v = fma(fma(g, g, -v_before), Vec(one_minus_beta_2), v_before);
    lanes.store(state[0] + at, m);
    lanes.store(state[1] + at, v);
    Vec scale = v;
    if constexpr (amsgrad) {
      scale = max(lanes.load(state[2] + at), v);
      lanes.store(state[2] + at, scale);
    }
    return p - Vec(alpha) * m / (sqrt(scale) + Vec(epsilon));
  }
};

}  // namespace

void sgd_step(const SgdStep& k) {
  if (k.momentums)
    update(k.update, MomentumSgd{{k.momentums}, k.learning_rate, k.momentum, k.nesterov});
  else
    update(k.update, PlainSgd{{}, k.learning_rate});
}

void adagrad_step(const AdagradStep& k) { update(k.update, Adagrad{{k.accumulator}, k.learning_rate, k.epsilon}); }

void rmsprop_step(const RmspropStep& k) {
  auto with = [&]<bool centered, bool with_momentum>() {
    update(k.update, Rmsprop<centered, with_momentum>{
                         {k.velocity, k.average, k.momentums}, k.learning_rate, k.rho, k.momentum, k.epsilon});
  };
  if (k.average)
    k.momentums ? with.template operator()<true, true>() : with.template operator()<true, false>();
  else
    k.momentums ? with.template operator()<false, true>() : with.template operator()<false, false>();
}

void adam_step(const AdamStep& k) {
  auto with = [&]<bool amsgrad>() {
    update(k.update,
           Adam<amsgrad>{
               {k.momentums, k.velocities, k.highest}, k.alpha, k.one_minus_beta_1, k.one_minus_beta_2, k.epsilon});
  };
  k.highest ? with.template operator()<true>() : with.template operator()<false>();
}

void sum_squares(const SumSquares& k) {
  constexpr i64 part = 4096;
  const i64 parts = (k.count + part - 1) / part;
  Scratch scratch;
  float* sums = scratch.floats(parts);
  parallel_for(parts, 16, [&](i64 begin, i64 end) {
    for (i64 p = begin; p < end; ++p) {
      const i64 first = p * part, count = first + part < k.count ? part : k.count - first;
      Vec total(0.f);
      for_lanes(count, [&](i64 j, auto lanes) {
        const Vec x = lanes.load(k.x + first + j);
        total = fma(x, x, total);
      });
      sums[p] = sum(total);
    }
  });
  *k.result = 0;
  for (i64 p = 0; p < parts; ++p) *k.result += static_cast<double>(sums[p]);
}

}  // namespace lw::LIKEWISE_LEVEL
