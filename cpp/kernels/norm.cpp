#include "cpp/kernels/norm.h"

#include "cpp/core/arena.h"
#include "cpp/core/parallel.h"
#include "cpp/kernels/rows.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

LIKEWISE_INLINE float first_lane(Vec v) {
  float lane[vector_lanes];
  v.store(lane);
  return lane[0];
}

void backward_row(const LayerNormBackward& k, i64 row) {
  const float *x = k.x + row * k.n, *dy = k.dy + row * k.n;
  const Vec mean = k.mean[row], scale = k.scale[row];
  const auto g = [&](i64 j, auto lanes) {
    return k.gamma != nullptr ? lanes.load(dy + j) * lanes.load(k.gamma + j) : lanes.load(dy + j);
  };
  const float share = 1.f / static_cast<float>(k.n);
  const Vec mean_g = share * sum_over(k.n, g);
  const Vec mean_gh =
      share * sum_over(k.n, [&](i64 j, auto lanes) { return g(j, lanes) * ((lanes.load(x + j) - mean) * scale); });
  for_lanes(k.n, [&](i64 j, auto lanes) {
    const Vec h = (lanes.load(x + j) - mean) * scale;
    const Vec dx = scale * (g(j, lanes) - mean_g - h * mean_gh);
    const i64 at = row * k.n + j;
    lanes.store(k.dx + at, k.dx_so_far == nullptr ? dx : lanes.load(k.dx_so_far + at) + dx);
  });
}

// Adds dy h and dy of one row to `dgamma` and `dbeta`.
void add_parameters(const LayerNormBackward& k, i64 row, float* dgamma, float* dbeta) {
  const float *x = k.x + row * k.n, *dy = k.dy + row * k.n;
  const Vec mean = k.mean[row], scale = k.scale[row];
  for_lanes(k.n, [&](i64 j, auto lanes) {
    const Vec h = (lanes.load(x + j) - mean) * scale;
    lanes.store(dgamma + j, fma(lanes.load(dy + j), h, lanes.load(dgamma + j)));
    lanes.store(dbeta + j, lanes.load(dy + j) + lanes.load(dbeta + j));
  });
}

}  // namespace

void layer_norm_forward(const LayerNormForward& k) {
  const float share = 1.f / static_cast<float>(k.n);
  parallel_for(k.rows, rows_for(20 + 0.4 * static_cast<double>(k.n)), [&](i64 begin, i64 end) {
    for (i64 row = begin; row < end; ++row) {
      const float* x = k.x + row * k.n;
      const float mean = share * sum_over(k.n, [&](i64 j, auto lanes) { return lanes.load(x + j); });
      const float variance = share * sum_over(k.n, [&](i64 j, auto lanes) {
                               const Vec d = lanes.load(x + j, mean) - mean;
                               return d * d;
                             });
      const float scale = first_lane(Vec(1.f) / sqrt(Vec(variance + k.epsilon)));
      for_lanes(k.n, [&](i64 j, auto lanes) {
        Vec y = (lanes.load(x + j) - mean) * scale;
        if (k.gamma != nullptr) y = y * lanes.load(k.gamma + j);
        if (k.beta != nullptr) y = y + lanes.load(k.beta + j);
        lanes.store(k.y + row * k.n + j, y);
      });
      k.mean[row] = mean;
      k.scale[row] = scale;
    }
  });
}

void layer_norm_backward(const LayerNormBackward& k) {
  const i64 rows_per_block = 8'192 / k.n + 1, blocks = (k.rows + rows_per_block - 1) / rows_per_block;
  const bool parameters = k.dgamma != nullptr || k.dbeta != nullptr;
  Scratch scratch;
  float* partial = parameters ? scratch.floats(blocks * 2 * k.n) : nullptr;  // [blocks, dgamma and dbeta, n]
  parallel_for(blocks, 1, [&](i64 begin, i64 end) {
    for (i64 block = begin; block < end; ++block) {
      const i64 first = block * rows_per_block;
      const i64 last = first + rows_per_block < k.rows ? first + rows_per_block : k.rows;
      float* own = parameters ? partial + block * 2 * k.n : nullptr;
      if (parameters) for_lanes(2 * k.n, [&](i64 j, auto lanes) { lanes.store(own + j, 0.f); });
      for (i64 row = first; row < last; ++row) {
        if (k.dx != nullptr) backward_row(k, row);
        if (parameters) add_parameters(k, row, own, own + k.n);
      }
    }
  });
  for (i64 block = 0; parameters && block < blocks; ++block) {
    const float* own = partial + block * 2 * k.n;
    for_lanes(k.n, [&](i64 j, auto lanes) {
      if (k.dgamma != nullptr) lanes.store(k.dgamma + j, lanes.load(k.dgamma + j) + lanes.load(own + j));
      if (k.dbeta != nullptr) lanes.store(k.dbeta + j, lanes.load(k.dbeta + j) + lanes.load(own + k.n + j));
    });
  }
}

}  // namespace lw::LIKEWISE_LEVEL
