#include "cpp/kernels/losses.h"

#include "cpp/core/parallel.h"
#include "cpp/kernels/rows.h"
#include "cpp/kernels/simd_math.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

constexpr i64 elements_per_task = 8'192;
constexpr float nearest_probability = 1e-7f;  // Keras' epsilon

struct LossAndSlope {
  Vec loss, slope;
};

LossAndSlope squared(Vec p, Vec t) { return {(p - t) * (p - t), 2.f * (p - t)}; }
LossAndSlope absolute(Vec p, Vec t) {
  const Vec d = p - t;
  return {abs(d), select(d > 0.f, 1.f, select(d < 0.f, -1.f, d))};
}
LossAndSlope hinge(Vec p, Vec t) {
  const Vec side = select(t == 0.f, -1.f, t);
  const Vec margin = fma(-side, p, 1.f);
  return {max(margin, 0.f), select(margin > 0.f, -side, 0.f)};
}
LossAndSlope binary_cross_entropy(Vec p, Vec t) {
  const Vec q = min(max(p, nearest_probability), 1.f - nearest_probability);
  const Vec loss = -(t * log(q) + (1.f - t) * log1p(-q));
  return {loss, select(p == q, (q - t) / (q * (1.f - q)), 0.f)};
}
LossAndSlope logistic(Vec x, Vec t) {
  const Vec e = exp(-abs(x));
  const Vec s = select(x >= 0.f, 1.f, e) / (1.f + e);
  return {fma(-x, t, max(x, 0.f)) + log1p(e), s - t};
}
LossAndSlope pairwise_logistic(Vec x, Vec) {
  const Vec e = exp(-abs(x));
  return {max(-x, 0.f) + log1p(e), -(select(x >= 0.f, e, 1.f) / (1.f + e))};
}

template <typename Function>
void pointwise(const PointwiseLosses& k, const Function& f) {
  const i64 count = k.rows * k.columns;
  parallel_for(count, elements_per_task, [&](i64 begin, i64 end) {
    const float* target = k.target != nullptr ? k.target : k.prediction;
    for_lanes(end - begin, [&](i64 j, auto lanes) {
      const i64 at = begin + j;
      LossAndSlope v = f(lanes.load(k.prediction + at), lanes.load(target + at));
      if (k.weight != nullptr) {
        float weights[vector_lanes] = {};
        for (i64 i = 0; i < lanes.count(); ++i) weights[i] = k.weight[(at + i) / k.columns];
        v.loss = v.loss * Vec::load(weights);
        v.slope = v.slope * Vec::load(weights);
      }
      lanes.store(k.loss + at, v.loss);
      if (k.slope != nullptr) lanes.store(k.slope + at, v.slope);
    });
  });
}

// One row of logits.
float logits_row(const CategoricalLosses& k, i64 row, const float* x, const float* t, float* slope, float weight) {
  const float largest = largest_of(x, k.classes);
  const float total = sum_over(k.classes, [&](i64 j, auto lanes) { return exp(lanes.load(x + j, lowest) - largest); });
  float of_logits, of_target = 1.f;
  if (t != nullptr) {
    of_logits = sum_over(k.classes, [&](i64 j, auto lanes) {
      const Vec target = lanes.load(t + j);
      return select(target == 0.f, 0.f, target * (lanes.load(x + j) - largest));
    });
    of_target = sum_over(k.classes, [&](i64 j, auto lanes) { return lanes.load(t + j); });
  } else {
    of_logits = x[k.label[row]] - largest;
  }
  if (slope != nullptr) {
    const Vec scale = weight * of_target / total;
    for_lanes(k.classes, [&](i64 j, auto lanes) {
      const Vec own = t != nullptr ? lanes.load(t + j) * weight : Vec(0.f);
      lanes.store(slope + j, fma(exp(lanes.load(x + j) - largest), scale, -own));
    });
    if (t == nullptr) slope[k.label[row]] -= weight;
  }
  return weight * (reduce(log(Vec(total)), [](float a, float) { return a; }) * of_target - of_logits);
}

// One row of probabilities, which are made to sum to 1 first: q_j = p_j / s with s = sum p, clipped.
//   loss = -sum t_j log q_j    dloss/dp_j = (sum over unclipped k of t_k - t_j / q_j where q_j is unclipped) / s
float probabilities_row(const CategoricalLosses& k, i64 row, const float* p, const float* t, float* slope,
                        float weight) {
  const float sum = sum_over(k.classes, [&](i64 j, auto lanes) { return lanes.load(p + j); });
  const Vec share = sum != 0.f ? 1.f / sum : 1.f;
  const auto clipped = [](Vec x) { return min(max(x, nearest_probability), 1.f - nearest_probability); };
  if (t != nullptr) {
    const float total = sum_over(
        k.classes, [&](i64 j, auto lanes) { return lanes.load(t + j) * log(clipped(share * lanes.load(p + j))); });
    if (slope != nullptr) {
      const float mass = sum_over(k.classes, [&](i64 j, auto lanes) {
        const Vec x = share * lanes.load(p + j);
        return select(x == clipped(x), lanes.load(t + j), 0.f);
      });
      for_lanes(k.classes, [&](i64 j, auto lanes) {
        const Vec x = share * lanes.load(p + j), q = clipped(x);
        const Vec own = select(x == q, lanes.load(t + j) / q, 0.f);
        lanes.store(slope + j, share * weight * (mass - own));
      });
    }
    return -weight * total;
  }
  const i64 label = k.label[row];
  float x[vector_lanes] = {p[label]};
  const Vec scaled = share * Vec::load(x), q = clipped(scaled);
  float logarithm[vector_lanes], kept[vector_lanes], given[vector_lanes], scale[vector_lanes];
  log(q).store(logarithm);
  q.store(kept);
  scaled.store(given);
  share.store(scale);
  if (slope != nullptr) {
    const bool moves = kept[0] == given[0];
    for_lanes(k.classes, [&](i64 j, auto lanes) { lanes.store(slope + j, moves ? weight * scale[0] : 0.f); });
    if (moves) slope[label] -= weight * scale[0] / kept[0];
  }
  return -weight * logarithm[0];
}

}  // namespace

void pointwise_losses(const PointwiseLosses& k) {
  switch (k.kind) {
    case PointwiseLoss::squared: return pointwise(k, squared);
    case PointwiseLoss::absolute: return pointwise(k, absolute);
    case PointwiseLoss::hinge: return pointwise(k, hinge);
    case PointwiseLoss::binary_cross_entropy: return pointwise(k, binary_cross_entropy);
    case PointwiseLoss::logistic: return pointwise(k, logistic);
    case PointwiseLoss::pairwise_logistic: return pointwise(k, pairwise_logistic);
  }
}

void categorical_losses(const CategoricalLosses& k) {
  parallel_for(k.rows, rows_for(30 + 1.5 * static_cast<double>(k.classes)), [&](i64 begin, i64 end) {
    for (i64 row = begin; row < end; ++row) {
      const i64 at = row * k.classes;
      const float* target = k.target != nullptr ? k.target + at : nullptr;
      float* slope = k.slope != nullptr ? k.slope + at : nullptr;
      const float weight = k.weight != nullptr ? k.weight[row] : 1.f;
      k.loss[row] = k.from_logits ? logits_row(k, row, k.prediction + at, target, slope, weight)
                                  : probabilities_row(k, row, k.prediction + at, target, slope, weight);
    }
  });
}

}  // namespace lw::LIKEWISE_LEVEL
