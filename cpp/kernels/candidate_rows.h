// One row's loss over its candidates: scores become their gradients in place.
#pragma once

#include "cpp/kernels/rows.h"
#include "cpp/kernels/sampled_loss.h"
#include "cpp/kernels/simd_math.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

constexpr float no_candidate = -1e18f;  // the score of what does not count: its exponential is 0, its square a float

LIKEWISE_INLINE float first_lane(Vec a) {
  return reduce_by_halves(a, [](auto x, auto) { return x; });
}
LIKEWISE_INLINE float exp_of(float x) { return first_lane(exp(Vec(x))); }
LIKEWISE_INLINE float log_of(float x) { return first_lane(log(Vec(x))); }
LIKEWISE_INLINE float log1p_of(float x) { return first_lane(log1p(Vec(x))); }

// What a row is made of: its target's score and those of its negatives.
struct CandidateRow {
  i64 negatives;
  float* scores;  // [negatives]
  float* target;
  float coefficient;
};

//   p_c = e^s_c / sum    loss = -log p_t    g_j = p_j    g_t = -sum_j p_j
LIKEWISE_INLINE float softmax_row(const CandidateRow& row) {
  const float target = *row.target, others = largest_of(row.scores, row.negatives);
  const float shift = others > target ? others : target;
  const float of_others = sum_over(row.negatives, [&](i64 j, auto lanes) {
    const Vec e = exp_above_denormals(lanes.load(row.scores + j, lowest) - shift);
    lanes.store(row.scores + j, e);
    return e;
  });
  const float of_target = exp_of(target - shift);
  const float share = row.coefficient / (of_target + of_others);
  for_lanes(row.negatives, [&](i64 j, auto lanes) { lanes.store(row.scores + j, lanes.load(row.scores + j) * share); });
  *row.target = -of_others * share;
  return shift == target ? log1p_of(of_others) : log_of(of_target + of_others) + (shift - target);
}

//   loss = (beta softplus(-t) + sum_j softplus(s_j)) / (1 + m)
//   g_t = -beta sigmoid(-t) / (1 + m)    g_j = sigmoid(s_j) / (1 + m)
LIKEWISE_INLINE float logistic_row(const CandidateRow& row, float beta) {
  const float share = 1.f / static_cast<float>(1 + row.negatives);
  const Vec scale(row.coefficient * share);
  const float of_others = sum_over(row.negatives, [&](i64 j, auto lanes) {
    const Vec x = lanes.load(row.scores + j, no_candidate), e = exp_above_denormals(-abs(x));
    lanes.store(row.scores + j, scale * (select(x >= 0.f, 1.f, e) / (1.f + e)));
    return max(x, 0.f) + log1p(e);
  });
  const Vec away(-*row.target);
  *row.target = -beta * first_lane(scale * sigmoid(away));
  return share * (beta * first_lane(softplus(away)) + of_others);
}

//   w_j = e^s_j / sum_k e^s_k    f_j = e^s_j sigmoid(t - s_j) = e^min(s_j, t) / (1 + e^-|s_j - t|)    q_j = f_j / sum f
//   P = sum_j w_j s_j^2    loss = -log(sum f / sum e^s) + lambda P
//   g_t = -sum_j q_j sigmoid(s_j - t)    g_j = w_j - q_j sigmoid(t - s_j) + lambda w_j (s_j^2 - P + 2 s_j)
// and each g times ELU's slope, y + alpha below 0, where scores pass through it.
LIKEWISE_INLINE float bpr_max_row(const CandidateRow& row, const SampledRule& rule) {
  const float target = *row.target, highest = largest_of(row.scores, row.negatives);
  if (!(highest > 0.5f * no_candidate)) {  // nothing that the target must be above
    for_lanes(row.negatives, [&](i64 j, auto lanes) { lanes.store(row.scores + j, 0.f); });
    *row.target = 0.f;
    return 0.f;
  }
  const float lesser = highest < target ? highest : target;
  struct Terms {
    Vec score, weight, above, sigmoid;  // s_j, e^(s_j - highest), f_j e^-lesser, sigmoid(t - s_j)
  };
  const auto terms_of = [&](i64 j, auto lanes) {
    const Vec s = lanes.load(row.scores + j, no_candidate), distance = s - target, e = exp(-abs(distance));
    const Vec slope = 1.f / (1.f + e);
    return Terms{s, exp(s - highest), exp(min(s, target) - lesser) * slope, select(distance <= 0.f, 1.f, e) * slope};
  };
  Vec weights = 0.f, aboves = 0.f, squares = 0.f, pulls = 0.f;
  for_lanes(row.negatives, [&](i64 j, auto lanes) {
    const Terms at = terms_of(j, lanes);
    weights += at.weight;
    aboves += at.above;
    squares = fma(at.weight * at.score, at.score, squares);
    pulls = fma(at.above, 1.f - at.sigmoid, pulls);
  });
  const float weight = sum(weights), above = sum(aboves), penalty = sum(squares) / weight;
  const float elu = rule.elu, lambda = rule.regularization;
  const auto slope_of = [&](Vec y) { return elu > 0.f ? select(y > 0.f, 1.f, y + elu) : Vec(1.f); };
  const Vec share(1.f / weight), share_above(1.f / above), coefficient(row.coefficient);
  for_lanes(row.negatives, [&](i64 j, auto lanes) {
    const Terms at = terms_of(j, lanes);
    const Vec w = at.weight * share, regular = lambda * w * (fma(at.score, at.score, -penalty) + 2.f * at.score);
    const Vec g = (w - at.above * share_above * at.sigmoid) + regular;
    lanes.store(row.scores + j, coefficient * select(at.score > 0.5f * no_candidate, g * slope_of(at.score), 0.f));
  });
  *row.target = -first_lane(coefficient * slope_of(target)) * (sum(pulls) / above);
  return (highest - lesser) + log_of(weight) - log_of(above) + lambda * penalty;
}

LIKEWISE_INLINE void pass_through_elu(float* scores, i64 count, float alpha) {
  for_lanes(count, [&](i64 j, auto lanes) {
    const Vec x = lanes.load(scores + j);
    lanes.store(scores + j, select(x > 0.f, x, alpha * expm1(min(x, 0.f))));
  });
}

// The row's loss; `ids` [negatives] say which of them are the row's target.
float candidate_row(const SampledRule& rule, const CandidateRow& row, const i64* ids, i64 target) {
  if (rule.kind == SampledKind::logistic) return logistic_row(row, rule.beta);
  if (rule.elu > 0.f) {
    pass_through_elu(row.scores, row.negatives, rule.elu);
    pass_through_elu(row.target, 1, rule.elu);
  }
  for (i64 j = 0; j < row.negatives; ++j) row.scores[j] = ids[j] == target ? no_candidate : row.scores[j];
  return rule.kind == SampledKind::softmax ? softmax_row(row) : bpr_max_row(row, rule);
}

LIKEWISE_INLINE double row_nanoseconds(const SampledRule& rule, i64 negatives) {
  const double each[] = {1.2, 2.0, 6.0};  // by kind
  return 60 + each[static_cast<int>(rule.kind)] * static_cast<double>(negatives);
}

}  // namespace
}  // namespace lw::LIKEWISE_LEVEL
