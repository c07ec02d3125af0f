// A task is a head of a sequence; it takes its queries 32 at a time. Scores lie keys x queries, so that maxima and sums
// over keys need no step across lanes; those of a block stay in the nearest caches through all that is done with them,
// and the backward pass makes them again from the sums that the forward pass kept.
#include "cpp/kernels/attention.h"

#include "cpp/core/arena.h"
#include "cpp/core/parallel.h"
#include "cpp/kernels/block_product.h"
#include "cpp/kernels/random_lanes.h"
#include "cpp/kernels/simd_math.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

constexpr i64 block = 32;              // queries at work at a time
constexpr float unseen = -1e30f;       // below every score
constexpr float nothing_seen = 1e30f;  // the log of a sum over no keys, under which every exp is 0

LIKEWISE_INLINE i64 whole_natives(i64 n) { return parts_of(n, native_lanes) * native_lanes; }

// One head of one sequence.
struct Head {
  i64 sequence, head, queries, keys, first_query, first_key;
};

Head head_of(const AttentionShape& s, i64 task) {
  const i64 sequence = task / s.heads;
  const i64 first_query = s.query_offsets[sequence], first_key = s.key_offsets[sequence];
  return {.sequence = sequence,
          .head = task % s.heads,
          .queries = s.query_lengths ? s.query_lengths[sequence] : s.query_offsets[sequence + 1] - first_query,
          .keys = s.key_lengths ? s.key_lengths[sequence] : s.key_offsets[sequence + 1] - first_key,
          .first_query = first_query,
          .first_key = first_key};
}

// Queries [first, first + count) of a head, `lanes` of them in vectors, and the keys that any of them may see.
struct Block {
  i64 first, count, lanes, keys;
};

Block block_of(const AttentionShape& s, const Head& h, i64 first) {
  const i64 count = least(block, h.queries - first);
  return {first, count, parts_of(count, vector_lanes) * vector_lanes, s.causal ? least(h.keys, first + count) : h.keys};
}

// to_jr = factor from_rj, [dim, lanes]
void transpose(const Block& b, const float* from, i64 stride, i64 dim, float factor, float* to) {
  for (i64 r = 0; r < b.lanes; ++r)
    for (i64 j = 0; j < dim; ++j) to[j * b.lanes + r] = r < b.count ? factor * from[r * stride + j] : 0.f;
}

// Rows of `dim` floats into rows of whole vectors.
void copy_rows(i64 rows, const float* from, i64 stride, i64 dim, float factor, float* to, i64 width) {
  for (i64 r = 0; r < rows; ++r)
    for (i64 j = 0; j < width; ++j) to[r * width + j] = j < dim ? factor * from[r * stride + j] : 0.f;
}

// Calls visit(v, c, seen) for every key and every 16 of the queries; `seen` tells whose value counts from the others.
template <typename Visit>
LIKEWISE_INLINE void for_pairs(const AttentionShape& s, const Head& h, const Block& b, const Visit& visit) {
  const bool* counts = s.key_counts ? s.key_counts + h.first_key : nullptr;
  for (i64 v = 0; v < b.keys; ++v) {
    const bool hidden = counts && !counts[v];
    for (i64 c = 0; c < b.lanes; c += vector_lanes) {
      // Of a causal block the queries before the key's place do not see it.
      const i64 blind = hidden ? vector_lanes : s.causal ? v - b.first - c : 0;
      if (blind <= 0)
        visit(v, c, [](Vec value, float) { return value; });
      else
        visit(v, c, [blind](Vec value, float otherwise) {
          return select(Vec::load(lane_numbers) < Vec(static_cast<float>(blind)), Vec(otherwise), value);
        });
    }
  }
}

// Which pairs of a block stay, as 1 and 0 in the order of scores. Each takes 16 bits of philox(key, of the block,
// call); 16 calls at a time give the low halves of their first words, then of their second, ..., then the high halves.
void draw_kept(const AttentionShape& s, const Head& h, const Block& b, float* kept) {
  constexpr i64 together = vector_lanes * 8;
  const u64 stream = random_key(static_cast<u64>(h.sequence), static_cast<u64>(h.head), static_cast<u64>(b.first));
  const i32 limit = static_cast<i32>(s.dropout * 65536.f);
  const i64 count = b.keys * b.lanes;
  for (i64 begin = 0; begin < count; begin += together) {
    alignas(64) u32 word[4][vector_lanes];
    philox_lanes(s.key, stream, static_cast<u64>(begin / 8), word);
    for (i64 half = 0; half < 2; ++half)
      for (i64 w = 0; w < 4; ++w) {
        float* to = kept + begin + (half * 4 + w) * vector_lanes;
        for (i64 lane = 0; lane < vector_lanes; ++lane)
          to[lane] = static_cast<i32>(half ? word[w][lane] >> 16 : word[w][lane] & 0xffff) < limit ? 0.f : 1.f;
      }
  }
}
i64 room_for_kept(i64 keys) { return parts_of(block * keys, vector_lanes * 8) * vector_lanes * 8; }

// s_vr of a block, [keys, lanes]; `queries` is transposed and scaled.
void score(const AttentionShape& s, const float* keys, const float* queries, const Block& b, float* scores) {
  multiply({b.keys, b.lanes, s.head_dim, keys, s.key_stride, 1, queries, b.lanes, scores, b.lanes, false});
}

// Queries before which no key lies.
void leave_empty(const AttentionForward& f, const Head& h, const Block& b) {
  const AttentionShape& s = f.shape;
  for (i64 row = h.first_query + b.first; row < h.first_query + b.first + b.count; ++row) {
    f.log_sum_exp[row * s.heads + h.head] = nothing_seen;
    for (i64 j = 0; j < s.value_dim; ++j) f.y[row * s.output_stride + h.head * s.value_dim + j] = 0.f;
  }
}

void forward_head(const AttentionForward& f, const Head& h) {
  const AttentionShape& s = f.shape;
  const i64 width = whole_natives(s.value_dim);
  const float* q = f.q + h.first_query * s.query_stride + h.head * s.head_dim;
  const float* k = f.k + h.first_key * s.key_stride + h.head * s.head_dim;
  const float* v = f.v + h.first_key * s.value_stride + h.head * s.value_dim;
  float* y = f.y + h.first_query * s.output_stride + h.head * s.value_dim;
  Scratch scratch;
  float* values = scratch.floats(h.keys * width);
  copy_rows(h.keys, v, s.value_stride, s.value_dim, 1.f, values, width);
  float* queries = scratch.floats(block * s.head_dim);
  float* e = scratch.floats(block * h.keys);
  float* found = scratch.floats(block * width);
  float* kept = s.dropout > 0 ? scratch.floats(room_for_kept(h.keys)) : nullptr;

  for (i64 first = 0; first < h.queries; first += block) {
    const Block b = block_of(s, h, first);
    if (b.keys == 0) {
      leave_empty(f, h, b);
      continue;
    }
    transpose(b, q + first * s.query_stride, s.query_stride, s.head_dim, s.scale, queries);
    score(s, k, queries, b, e);

    alignas(64) float highest[block], sum[block];
    for (i64 c = 0; c < b.lanes; c += vector_lanes) Vec(unseen).store(highest + c), Vec(0.f).store(sum + c);
    for_pairs(s, h, b, [&](i64 key, i64 c, auto seen) {
      max(Vec::load(highest + c), seen(Vec::load(e + key * b.lanes + c), unseen)).store(highest + c);
    });
    for_pairs(s, h, b, [&](i64 key, i64 c, auto seen) {
      float* at = e + key * b.lanes + c;
      const Vec exponential = seen(exp_above_denormals(Vec::load(at) - Vec::load(highest + c)), 0.f);
      (Vec::load(sum + c) + exponential).store(sum + c);
      exponential.store(at);
    });
    if (s.dropout > 0) {
      draw_kept(s, h, b, kept);
      for (i64 i = 0; i < b.keys * b.lanes; i += vector_lanes) (Vec::load(e + i) * Vec::load(kept + i)).store(e + i);
    }
    multiply({b.count, width, b.keys, e, 1, b.lanes, values, width, found, width, false});

    alignas(64) float lse[block];
    for (i64 c = 0; c < b.lanes; c += vector_lanes) (Vec::load(highest + c) + log(Vec::load(sum + c))).store(lse + c);
    for (i64 r = 0; r < b.count; ++r) {
      const bool any = sum[r] > 0;
      f.log_sum_exp[(h.first_query + first + r) * s.heads + h.head] = any ? lse[r] : nothing_seen;
      const float factor = any ? 1.f / (sum[r] * (1.f - s.dropout)) : 0.f;
      for_lanes(s.value_dim, [&](i64 j, auto lanes) {
        lanes.store(y + (first + r) * s.output_stride + j, lanes.load(found + r * width + j) * Vec(factor));
      });
    }
  }
}

void backward_head(const AttentionBackward& g, const Head& h) {
  const AttentionShape& s = g.shape;
  const i64 width = whole_natives(s.head_dim), value_width = whole_natives(s.value_dim);
  const float* q = g.q + h.first_query * s.query_stride + h.head * s.head_dim;
  const float* k = g.k + h.first_key * s.key_stride + h.head * s.head_dim;
  const float* v = g.v + h.first_key * s.value_stride + h.head * s.value_dim;
  const float* y = g.y + h.first_query * s.output_stride + h.head * s.value_dim;
  const float* dy = g.dy + h.first_query * s.output_stride + h.head * s.value_dim;
  Scratch scratch;
  float* keys = scratch.floats(h.keys * width);
  copy_rows(h.keys, k, s.key_stride, s.head_dim, 1.f, keys, width);
  float* dk = scratch.floats(h.keys * width);
  float* dv = scratch.floats(h.keys * value_width);
  for (i64 i = 0; i < h.keys * width; ++i) dk[i] = 0.f;
  for (i64 i = 0; i < h.keys * value_width; ++i) dv[i] = 0.f;
  float* queries = scratch.floats(block * s.head_dim);
  float* query_rows = scratch.floats(block * width);
  float* outer = scratch.floats(block * s.value_dim);
  float* outer_rows = scratch.floats(block * value_width);
  float* p = scratch.floats(block * h.keys);
  float* ds = scratch.floats(block * h.keys);
  float* dq = scratch.floats(block * width);
  float* kept = s.dropout > 0 ? scratch.floats(room_for_kept(h.keys)) : nullptr;
  const float grown = 1.f / (1.f - s.dropout);

  for (i64 first = 0; first < h.queries; first += block) {
    const Block b = block_of(s, h, first);
    if (b.keys == 0) continue;
    const float* q_rows = q + first * s.query_stride;
    const float* dy_rows = dy + first * s.output_stride;
    transpose(b, q_rows, s.query_stride, s.head_dim, s.scale, queries);
    transpose(b, dy_rows, s.output_stride, s.value_dim, grown, outer);
    copy_rows(b.count, q_rows, s.query_stride, s.head_dim, s.scale, query_rows, width);
    copy_rows(b.count, dy_rows, s.output_stride, s.value_dim, grown, outer_rows, value_width);

    alignas(64) float lse[block] = {}, inner[block] = {};  // inner: y_r dy_r
    for (i64 r = 0; r < b.count; ++r) {
      lse[r] = g.log_sum_exp[(h.first_query + first + r) * s.heads + h.head];
      Vec total = 0.f;
      for_lanes(s.value_dim, [&](i64 j, auto lanes) {
        total = fma(lanes.load(y + (first + r) * s.output_stride + j), lanes.load(dy_rows + r * s.output_stride + j),
                    total);
      });
      inner[r] = sum(total);
    }
    score(s, k, queries, b, p);
    multiply({b.keys, b.lanes, s.value_dim, v, s.value_stride, 1, outer, b.lanes, ds, b.lanes, false});

    if (s.dropout > 0) draw_kept(s, h, b, kept);
    for_pairs(s, h, b, [&](i64 key, i64 c, auto seen) {
      const i64 at = key * b.lanes + c;
      const Vec probability = seen(exp_above_denormals(Vec::load(p + at) - Vec::load(lse + c)), 0.f);
      Vec dropped = probability, dp = Vec::load(ds + at);
      if (s.dropout > 0) {
        const Vec keep = Vec::load(kept + at);
        dropped *= keep;
        dp *= keep;
      }
      dropped.store(p + at);
      (probability * (dp - Vec::load(inner + c))).store(ds + at);
    });
    multiply({b.keys, value_width, b.count, p, b.lanes, 1, outer_rows, value_width, dv, value_width, true});
    multiply({b.keys, width, b.count, ds, b.lanes, 1, query_rows, width, dk, width, true});
    multiply({b.count, width, b.keys, ds, 1, b.lanes, keys, width, dq, width, false});
    for (i64 r = 0; r < b.count; ++r)
      for_lanes(s.head_dim, [&](i64 j, auto lanes) {
        lanes.store(g.dq + (h.first_query + first + r) * s.query_stride + h.head * s.head_dim + j,
                    lanes.load(dq + r * width + j) * Vec(s.scale));
      });
  }
  for (i64 r = 0; r < h.keys; ++r) {
    for_lanes(s.head_dim, [&](i64 j, auto lanes) {
      lanes.store(g.dk + (h.first_key + r) * s.key_stride + h.head * s.head_dim + j, lanes.load(dk + r * width + j));
    });
    for_lanes(s.value_dim, [&](i64 j, auto lanes) {
      lanes.store(g.dv + (h.first_key + r) * s.value_stride + h.head * s.value_dim + j,
                  lanes.load(dv + r * value_width + j));
    });
  }
}

// Multiply-adds of a head's two products at some 20 a nanosecond, for the pool.
i64 task_cost(const AttentionShape& s, double passes) {
  const double rows = static_cast<double>(s.query_offsets[s.sequences] - s.query_offsets[0]);
  const double keys = static_cast<double>(s.key_offsets[s.sequences] - s.key_offsets[0]);
  const double count = static_cast<double>(s.sequences);
  return static_cast<i64>(passes * (rows / count) * (keys / count) * static_cast<double>(s.head_dim + s.value_dim) /
                          20);
}

}  // namespace

void attention_forward(const AttentionForward& k) {
  const AttentionShape& s = k.shape;
  if (s.sequences == 0) return;
  const i64 cost = task_cost(s, 1);
  const i64 grain = most(1, 15'000 / most(1, cost));
  parallel_for(
      s.sequences * s.heads, grain,
      [&](i64 begin, i64 end) {
        for (i64 task = begin; task < end; ++task) forward_head(k, head_of(s, task));
      },
      grain * cost);
}

void attention_backward(const AttentionBackward& k) {
  const AttentionShape& s = k.shape;
  if (s.sequences == 0) return;
  const i64 cost = task_cost(s, 3);
  const i64 grain = most(1, 15'000 / most(1, cost));
  parallel_for(
      s.sequences * s.heads, grain,
      [&](i64 begin, i64 end) {
        for (i64 task = begin; task < end; ++task) backward_head(k, head_of(s, task));
      },
      grain * cost);
}

}  // namespace lw::LIKEWISE_LEVEL
