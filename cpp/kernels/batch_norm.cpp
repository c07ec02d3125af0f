#include "cpp/kernels/batch_norm.h"

#include "cpp/core/arena.h"
#include "cpp/core/parallel.h"
#include "cpp/kernels/simd.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

// sums[s n + j] = sum over rows of term(row, j, lanes, s), for `count` terms at once: rows are cut into blocks by shape
// alone, and the blocks' sums are added in order.
template <int count, typename Terms>
void sum_rows(i64 rows, i64 n, float* sums, const Terms& terms) {
  const i64 rows_per_block = 16'384 / (n > 0 ? n : 1) + 1, blocks = (rows + rows_per_block - 1) / rows_per_block;
  Scratch scratch;
  float* partial = scratch.floats(blocks * count * n);
  parallel_for(blocks, 1, [&](i64 begin, i64 end) {
    for (i64 block = begin; block < end; ++block) {
      const i64 first = block * rows_per_block;
      const i64 last = first + rows_per_block < rows ? first + rows_per_block : rows;
      float* own = partial + block * count * n;
      for_lanes(n, [&](i64 j, auto lanes) {
        Vec total[count];
        for (Vec& each : total) each = 0.f;
        for (i64 row = first; row < last; ++row) terms(row * n + j, j, lanes, total);
        for (int s = 0; s < count; ++s) lanes.store(own + s * n + j, total[s]);
      });
    }
  });
  for_lanes(count * n, [&](i64 j, auto lanes) {
    Vec total = 0.f;
    for (i64 block = 0; block < blocks; ++block) total += lanes.load(partial + block * count * n + j);
    lanes.store(sums + j, total);
  });
}

template <typename Body>
void for_rows(i64 rows, i64 n, const Body& body) {
  parallel_for(rows, rows_for(0.3 * static_cast<double>(n)), [&](i64 begin, i64 end) {
    for (i64 row = begin; row < end; ++row) for_lanes(n, [&](i64 j, auto lanes) { body(row * n + j, j, lanes); });
  });
}

}  // namespace

void batch_norm_forward(const BatchNormForward& k) {
  const Vec share = 1.f / static_cast<float>(k.rows);
  sum_rows<1>(k.rows, k.n, k.mean, [&](i64 at, i64, auto lanes, Vec* total) { total[0] += lanes.load(k.x + at); });
  for_lanes(k.n, [&](i64 j, auto lanes) { lanes.store(k.mean + j, share * lanes.load(k.mean + j)); });
  sum_rows<1>(k.rows, k.n, k.variance, [&](i64 at, i64 j, auto lanes, Vec* total) {
    const Vec d = lanes.load(k.x + at) - lanes.load(k.mean + j);
    total[0] = fma(d, d, total[0]);
  });
  Scratch scratch;
  float* slope = scratch.floats(k.n);
  for_lanes(k.n, [&](i64 j, auto lanes) {
    const Vec variance = share * lanes.load(k.variance + j);
    lanes.store(k.variance + j, variance);
    const Vec gamma = k.gamma != nullptr ? lanes.load(k.gamma + j) : Vec(1.f);
    lanes.store(slope + j, gamma / sqrt(variance + Vec(k.epsilon)));
  });
  for_rows(k.rows, k.n, [&](i64 at, i64 j, auto lanes) {
    const Vec y = (lanes.load(k.x + at) - lanes.load(k.mean + j)) * lanes.load(slope + j);
    lanes.store(k.y + at, k.beta != nullptr ? y + lanes.load(k.beta + j) : y);
  });
}

void batch_norm_backward(const BatchNormBackward& k) {
  Scratch scratch;
  float* scale = scratch.floats(k.n);
  float* sums = scratch.floats(2 * k.n);
  for_lanes(k.n, [&](i64 j, auto lanes) {
    lanes.store(scale + j, Vec(1.f) / sqrt(lanes.load(k.variance + j) + Vec(k.epsilon)));
  });
  sum_rows<2>(k.rows, k.n, sums, [&](i64 at, i64 j, auto lanes, Vec* total) {
    const Vec dy = lanes.load(k.dy + at);
    const Vec h = (lanes.load(k.x + at) - lanes.load(k.mean + j)) * lanes.load(scale + j);
    total[0] = fma(dy, h, total[0]);
    total[1] += dy;
  });
  for_lanes(k.n, [&](i64 j, auto lanes) {
    lanes.store(k.dgamma + j, lanes.load(sums + j));
    lanes.store(k.dbeta + j, lanes.load(sums + k.n + j));
  });
  if (k.dx == nullptr) return;
  const Vec share = 1.f / static_cast<float>(k.rows);
  for_rows(k.rows, k.n, [&](i64 at, i64 j, auto lanes) {
    const Vec s = lanes.load(scale + j), h = (lanes.load(k.x + at) - lanes.load(k.mean + j)) * s;
    const Vec gamma = k.gamma != nullptr ? lanes.load(k.gamma + j) : Vec(1.f);
    const Vec rest = share * (lanes.load(k.dbeta + j) + h * lanes.load(k.dgamma + j));
    lanes.store(k.dx + at, gamma * s * (lanes.load(k.dy + at) - rest));
  });
}

}  // namespace lw::LIKEWISE_LEVEL
