#include "cpp/kernels/reduce.h"

#include "cpp/core/arena.h"
#include "cpp/core/parallel.h"
#include "cpp/kernels/simd.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

constexpr i64 elements_per_task = 16'384, columns_per_strip = 256, enough_tasks = 8;

struct Sum {
  static constexpr float start = 0.f;
  LIKEWISE_INLINE static Vec combine(Vec a, Vec b) { return a + b; }
  LIKEWISE_INLINE static float combine(float a, float b) { return a + b; }
};
struct Max {
  static constexpr float start = -__builtin_inff();
  LIKEWISE_INLINE static Vec combine(Vec a, Vec b) { return select((a < b) | (b != b), b, a); }
  LIKEWISE_INLINE static float combine(float a, float b) { return a < b || b != b ? b : a; }
};
struct Min {
  static constexpr float start = __builtin_inff();
  LIKEWISE_INLINE static Vec combine(Vec a, Vec b) { return select((a > b) | (b != b), b, a); }
  LIKEWISE_INLINE static float combine(float a, float b) { return a > b || b != b ? b : a; }
};

// One run of numbers: four vectors, joined pairwise, then the tree over lanes.
template <typename Op>
float reduce_run(const float* x, i64 n) {
  Vec a = Op::start, b = Op::start, c = Op::start, d = Op::start;
  i64 j = 0;
  for (; j + 4 * vector_lanes <= n; j += 4 * vector_lanes) {
    a = Op::combine(a, Vec::load(x + j));
    b = Op::combine(b, Vec::load(x + j + vector_lanes));
    c = Op::combine(c, Vec::load(x + j + 2 * vector_lanes));
    d = Op::combine(d, Vec::load(x + j + 3 * vector_lanes));
  }
  for (; j + vector_lanes <= n; j += vector_lanes) a = Op::combine(a, Vec::load(x + j));
  float total = reduce(Op::combine(Op::combine(a, b), Op::combine(c, d)),
                       [](float left, float right) { return Op::combine(left, right); });
  for (; j < n; ++j) total = Op::combine(total, x[j]);
  return total;
}

// Columns of `n` rows, `stride` apart, four vectors of columns at a time.
template <typename Op>
void reduce_columns(const float* x, i64 n, i64 stride, i64 columns, float* out) {
  i64 j = 0;
  for (; j + 4 * vector_lanes <= columns; j += 4 * vector_lanes) {
    Vec total[4] = {Op::start, Op::start, Op::start, Op::start};
    for (i64 row = 0; row < n; ++row)
      for (int v = 0; v < 4; ++v) total[v] = Op::combine(total[v], Vec::load(x + row * stride + j + v * vector_lanes));
    for (int v = 0; v < 4; ++v) total[v].store(out + j + v * vector_lanes);
  }
  for_lanes(columns - j, [&](i64 column, auto lanes) {
    Vec total = Op::start;
    for (i64 row = 0; row < n; ++row) total = Op::combine(total, lanes.load(x + row * stride + j + column));
    lanes.store(out + j + column, total);
  });
}

// The plan depends on the shape alone. Columns are cut into strips; where strips are too few to share, rows are cut
// into blocks, whose partial results are then reduced in order.
struct Plan {
  i64 strip, strips, block, blocks;
  explicit Plan(const Reduce& k)
      : strip(k.inner < columns_per_strip ? k.inner : columns_per_strip),
        strips((k.inner + strip - 1) / strip),
        block(k.outer * strips >= enough_tasks || k.n == 0 ? k.n : elements_per_task / strip),
        blocks(k.n == 0 ? 1 : (k.n + block - 1) / block) {}
};

// out[o, b, :] from the rows of block b.
template <typename Op>
void reduce_blocks(const Reduce& k, const Plan& plan, float* out) {
  const i64 rows_in_block = plan.blocks == 1 ? k.n : plan.block;
  const i64 grain = elements_per_task / (rows_in_block * plan.strip + 1) + 1;
  parallel_for(k.outer * plan.blocks * plan.strips, grain, [&](i64 begin, i64 end) {
    for (i64 task = begin; task < end; ++task) {
      const i64 slab = task / plan.strips, column = task % plan.strips * plan.strip;
      const i64 o = slab / plan.blocks, first = slab % plan.blocks * plan.block;
      const i64 rows = first + rows_in_block <= k.n ? rows_in_block : k.n - first;
      const i64 columns = column + plan.strip <= k.inner ? plan.strip : k.inner - column;
      const float* x = k.x + (o * k.n + first) * k.inner + column;
      if (k.inner == 1)
        out[slab] = reduce_run<Op>(x, rows);
      else
        reduce_columns<Op>(x, rows, k.inner, columns, out + slab * k.inner + column);
    }
  });
}

template <typename Op>
void reduce_axis(const Reduce& k) {
  if (k.outer * k.inner == 0) return;
  const Plan plan(k);
  if (plan.blocks == 1) return reduce_blocks<Op>(k, plan, k.out);
  Scratch scratch;
  float* partial = scratch.floats(k.outer * plan.blocks * k.inner);
  reduce_blocks<Op>(k, plan, partial);
  reduce_axis<Op>({k.reduction, k.outer, plan.blocks, k.inner, partial, k.out});
}

}  // namespace

void reduce(const Reduce& k) {
  switch (k.reduction) {
    case Reduction::sum: return reduce_axis<Sum>(k);
    case Reduction::max: return reduce_axis<Max>(k);
    case Reduction::min: return reduce_axis<Min>(k);
  }
}

void argmax(const ArgMax& k) {
  parallel_for(k.outer, elements_per_task / (k.n * k.inner + 1) + 1, [&](i64 begin, i64 end) {
    for (i64 o = begin; o < end; ++o) {
      for (i64 j = 0; j < k.inner; ++j) {
        const float* x = k.x + o * k.n * k.inner + j;
        i64 best = 0;
        for (i64 i = 1; i < k.n; ++i) {
          const float value = x[i * k.inner], highest = x[best * k.inner];
          if (value > highest || (value != value && highest == highest)) best = i;
        }
        k.out[o * k.inner + j] = best;
      }
    }
  });
}

}  // namespace lw::LIKEWISE_LEVEL
