#include "cpp/kernels/attention.h"

#include "cpp/core/arena.h"
#include "cpp/core/parallel.h"
#include "cpp/kernels/cached_product.h"
#include "cpp/kernels/gemm_pack.h"
#include "cpp/kernels/rows.h"
#include "cpp/kernels/simd_math.h"
#include "cpp/kernels/simd_random.h"

// A task is a head of a sequence. Its keys that may be seen are copied together, so that what a query sees is the first
// `limit` of them, whether there are gaps or not; queries follow in blocks whose whole rows of probabilities stay in
// the second-level cache. Tiles of products leave out what no row of theirs sees. Nothing depends on the sizes of
// blocks but the speed: sums run over keys, and over queries, in ascending order.

namespace lw::LIKEWISE_LEVEL {
namespace {

constexpr i64 most_block = 40, least_block = 8;  // queries; multiples of 4, which share their draws
constexpr i64 block_floats = 20'480;             // of probabilities

i64 rows_of_block(i64 stride) {
  const i64 rows = block_floats / stride / 4 * 4;
  return rows < least_block ? least_block : at_most(rows, most_block);
}

// Columns of a small matrix with whole vectors in every row, and an odd number of them.
i64 width_of(i64 dim) { return (ceil_div(dim, native_lanes) | 1) * native_lanes; }
i64 columns_of(i64 dim) { return ceil_div(dim, native_lanes) * native_lanes; }

i64 clipped(i64 difference, i64 distance) { return difference < -distance ? -distance : at_most(difference, distance); }

void copy_row(const float* from, i64 dim, float* to, i64 width) {
  for (i64 j = 0; j < width; j += native_lanes)
    *reinterpret_cast<NativeUnaligned*>(to + j) = native_load_up_to(from + j, dim - j);
}

void scale_row(const float* from, i64 dim, Vec factor, float* to) {
  for_lanes(dim, [=](i64 j, auto lanes) { lanes.store(to + j, lanes.load(from + j) * factor); });
}

void fill_zero(float* to, i64 count) { __builtin_memset(to, 0, static_cast<std::size_t>(4 * count)); }

// A head of a sequence, and what its queries see.
struct Head {
  const AttentionShape& shape;
  const AttentionSequence& at;
  i64 sequence, head;
  i64 keys, stride;  // that may be seen; floats from row to row of probabilities
  i32* position;     // of each, and zeros up to a whole vector
  i64* limit;        // [queries]

  Head(const AttentionShape& s, i64 task, Scratch& scratch)
      : shape(s),
        at(s.sequences[task / s.heads]),
        sequence(task / s.heads),
        head(task % s.heads),
        keys(0),
        stride(attention_stride(at.keys)),
        position(scratch.get<i32>(stride)),
        limit(scratch.get<i64>(at.queries)) {
    for (i64 j = 0; j < at.keys; ++j)
      if (shape.key_mask == nullptr || shape.key_mask[at.key + j]) position[keys++] = static_cast<i32>(j);
    for (i64 j = keys; j < stride; ++j) position[j] = 0;
    for (i64 t = 0, seen = 0; t < at.queries; ++t) {
      while (seen < keys && (!shape.causal || position[seen] <= t)) ++seen;
      limit[t] = seen;
    }
  }

  // Rows of an array [rows, heads * dim].
  template <typename Float>
  Float* query_row(Float* array, i64 dim, i64 t) const {
    return array + ((at.query + t) * shape.heads + head) * dim;
  }
  template <typename Float>
  Float* key_row(Float* array, i64 dim, i64 j) const {
    return array + ((at.key + position[j]) * shape.heads + head) * dim;
  }
  float* kept_rows(float* kept, i64 t) const {
    return kept == nullptr ? nullptr : kept + at.kept + (head * at.queries + t) * stride;
  }

  // [keys, width], and the same turned: [dim, stride]
  float* copy_keys(const float* array, i64 dim, Scratch& scratch) const {
    const i64 width = width_of(dim);
    float* to = scratch.floats(keys * width);
    for (i64 j = 0; j < keys; ++j) copy_row(key_row(array, dim, j), dim, to + j * width, width);
    return to;
  }
  float* turn_keys(const float* copied, i64 dim, Scratch& scratch) const {
    float* to = scratch.floats(dim * stride);
    pack_transposed(copied, width_of(dim), dim, keys, stride, to);
    return to;
  }
  void store_to_keys(const float* sums, i64 dim, float factor, float* array) const {
    for (i64 j = 0; j < keys; ++j) scale_row(sums + j * width_of(dim), dim, factor, key_row(array, dim, j));
  }
};

// Queries [first, first + rows) of a head, and as many columns of probabilities as whole vectors of keys they see.
struct Block {
  const Head& head;
  i64 first, rows, columns;

  Block(const Head& h, i64 begin, i64 most_rows)
      : head(h), first(begin), rows(at_most(most_rows, h.at.queries - begin)) {
    columns = ceil_div(limit(rows - 1), vector_lanes) * vector_lanes;
  }
  i64 limit(i64 row) const { return head.limit[first + row]; }
  i64 first_that_sees(i64 key) const {
    const i64 row = head.shape.causal ? head.position[key] - first : 0;
    return row < 0 ? 0 : at_most(row, rows);
  }
};

// What rows of probabilities sum over, and what keys do.
struct KeysSeen {
  static constexpr bool trims = true;
  const Block& block;
  LIKEWISE_INLINE Steps operator()(i64 row, i64 rows) const { return {0, block.limit(row + rows - 1)}; }
};
struct QueriesThatSee {
  static constexpr bool trims = true;
  const Block& block;
  LIKEWISE_INLINE Steps operator()(i64 key, i64) const { return {block.first_that_sees(key), block.rows}; }
};

// scores_tj = a_t . b_j, with b turned: [dim, stride]
void multiply_by_keys(const Block& block, const float* a, i64 lda, const float* turned, i64 dim, float* scores) {
  const i64 stride = block.head.stride, panel = 2 * native_lanes;
  for (i64 j = 0; j < block.columns; j += panel) {
    const i64 row = block.first_that_sees(j);
    multiply(Product{block.rows - row, at_most(panel, block.columns - j), dim, a + row * lda, lda, 1, turned + j,
                     stride, scores + row * stride + j, stride, false});
  }
}
// out_t = sum_j a_tj b_j
void sum_over_keys(const Block& block, const float* a, const float* b, i64 dim, float* out) {
  const i64 stride = block.head.stride, width = width_of(dim);
  multiply(Product{block.rows, columns_of(dim), 0, a, stride, 1, b, width, out, width, false}, KeysSeen{block});
}
// sums_j += sum_t a_tj b_t
void add_over_queries(const Block& block, const float* a, const float* b, i64 dim, float* sums) {
  const i64 stride = block.head.stride, width = width_of(dim);
  multiply(Product{block.limit(block.rows - 1), columns_of(dim), 0, a, 1, stride, b, width, sums, width, true},
           QueriesThatSee{block});
}

// ---------------------------------------------------------------------------------------------------------------------
// Probabilities

// Draws of queries t to t + 3, t a multiple of 4, for every key: [4, stride].
void draw(const Head& head, i64 t, i64 columns, i32* draws) {
  const u64 key = head.shape.dropout_key;
  const u32 sequence = static_cast<u32>(head.sequence), number = static_cast<u32>(head.head);
  const i64 stride = head.stride;
  const i32* position = head.position;
  for (i64 j = 0; j < columns; j += vector_lanes) {
    const Random4Vec four = philox(key, number, sequence, static_cast<u32>(t / 4), load_ints(position + j));
    for (int word = 0; word < 4; ++word) store_ints(draws + word * stride + j, four.word[word]);
  }
}

// p_t of one row from q_t . k_j, in place; zeros beyond what it sees.
void softmax_row(const Head& head, i64 t, i64 columns, float* p) {
  const AttentionShape& s = head.shape;
  const i64 limit = head.limit[t];
  for (i64 j = limit; j < columns; ++j) p[j] = 0.f;
  float scale = s.scale;
  if (s.relative_bias != nullptr) {
    const float* middle = s.relative_bias + head.head * (2 * s.distance + 1) + s.distance;
    for (i64 j = 0; j < limit; ++j) p[j] = p[j] * scale + middle[clipped(head.position[j] - t, s.distance)];
    scale = 1.f;
  }
  Vec most = lowest;  // a NaN among the scores reaches the row by its exponential
  for_lanes(limit, [&](i64 j, auto lanes) { most = max(most, lanes.load(p + j, lowest)); });
  const Vec top = highest(most);
  Vec total = 0.f;
  for_lanes(limit, [&](i64 j, auto lanes) {  // beyond the tail e^-87, which is nothing beside the 1 of the largest
    const Vec e = exp_above_denormals((lanes.load(p + j, lowest) - top) * scale);
    total += e;
    lanes.store(p + j, e);
  });
  const Vec factor = 1.f / sum(total);
  for_lanes(limit, [&](i64 j, auto lanes) { lanes.store(p + j, lanes.load(p + j) * factor); });
}

// p of a block, where dropped with a minus.
void probabilities(const Block& block, const float* q, const float* turned_keys, float* p) {
  const Head& head = block.head;
  const AttentionShape& s = head.shape;
  multiply_by_keys(block, head.query_row(q, s.key_dim, block.first), s.heads * s.key_dim, turned_keys, s.key_dim, p);
  Scratch scratch;
  const Vec rate = s.dropout;
  i32* draws = s.dropout > 0 ? scratch.get<i32>(4 * head.stride) : nullptr;
  for (i64 row = 0; row < block.rows; ++row) {
    const i64 t = block.first + row;
    float* p_row = p + row * head.stride;
    softmax_row(head, t, block.columns, p_row);
    if (draws == nullptr) continue;
    if (row % 4 == 0) draw(head, t, block.columns, draws);
    const i64 limit = block.limit(row);
    for (i64 j = 0; j < limit; j += vector_lanes) {
      const Vec drawn = unit(load_ints(draws + row % 4 * head.stride + j));
      const Vec value = Vec::load(p_row + j);
      select(drawn < rate, -value, value).store(p_row + j);
    }
  }
}

LIKEWISE_INLINE float keep_scale(const AttentionShape& s) { return 1.f / (1.f - s.dropout); }

// ---------------------------------------------------------------------------------------------------------------------
// Forward

// m p from p with the sign of what is dropped
void keep_row(const float* p, i64 columns, Vec scale, float* weights) {
  for (i64 j = 0; j < columns; j += vector_lanes) (max(Vec::load(p + j), 0.f) * scale).store(weights + j);
}

void forward_head(const AttentionForward& k, i64 task) {
  const AttentionShape& s = k.shape;
  Scratch scratch;
  const Head head(s, task, scratch);
  const float* turned = head.turn_keys(head.copy_keys(k.k, s.key_dim, scratch), s.key_dim, scratch);
  const float* values = head.copy_keys(k.v, s.value_dim, scratch);
  const i64 rows = rows_of_block(head.stride), width = width_of(s.value_dim);
  float* block_p = scratch.floats(rows * head.stride);
  float* weights = scratch.floats(rows * head.stride);
  float* y = scratch.floats(rows * width);
  const Vec scale = keep_scale(s);
  for (i64 t = 0; t < head.at.queries; t += rows) {
    const Block block(head, t, rows);
    float* p = k.kept == nullptr ? block_p : head.kept_rows(k.kept, t);
    const float* used = p;
    probabilities(block, k.q, turned, p);
    if (s.dropout > 0) {
      used = weights;
      for (i64 row = 0; row < block.rows; ++row)
        keep_row(p + row * head.stride, block.columns, scale, weights + row * head.stride);
    }
    sum_over_keys(block, used, values, s.value_dim, y);
    for (i64 row = 0; row < block.rows; ++row)
      scale_row(y + row * width, s.value_dim, 1.f, head.query_row(k.y, s.value_dim, t + row));
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Backward

// From p and dp without m, in place: m p and ds.
void backward_row(const AttentionShape& s, i64 limit, i64 columns, float dy_y, const float* p, float* weights,
                  float* ds) {
  const Vec scale = keep_scale(s);
  for (i64 j = 0; j < columns; j += vector_lanes) {
    const TailLanes lanes{limit - j};
    const Vec signed_p = Vec::load(p + j), kept = max(signed_p, 0.f) * scale;
    const Vec dp = select(signed_p > 0.f, Vec::load(ds + j) * scale, 0.f);
    kept.store(weights + j);
    const Vec slope = abs(signed_p) * (dp - dy_y);
    select(Vec::load(lane_numbers) < Vec(static_cast<float>(lanes.left)), slope, 0.f).store(ds + j);
  }
}

void backward_head(const AttentionBackward& g, i64 task, float* dbias) {
  const AttentionForward& k = g.forward;
  const AttentionShape& s = k.shape;
  Scratch scratch;
  const Head head(s, task, scratch);
  const i64 rows = rows_of_block(head.stride), key_width = width_of(s.key_dim), value_width = width_of(s.value_dim);
  const float* keys = head.copy_keys(k.k, s.key_dim, scratch);
  const float* turned_keys = k.kept == nullptr ? head.turn_keys(keys, s.key_dim, scratch) : nullptr;
  const float* turned_values = head.turn_keys(head.copy_keys(k.v, s.value_dim, scratch), s.value_dim, scratch);
  float* dk = scratch.floats(head.keys * key_width);
  float* dv = scratch.floats(head.keys * value_width);
  fill_zero(dk, head.keys * key_width);
  fill_zero(dv, head.keys * value_width);
  float* block_p = scratch.floats(rows * head.stride);
  float* weights = scratch.floats(rows * head.stride);
  float* ds = scratch.floats(rows * head.stride);
  float* q = scratch.floats(rows * key_width);
  float* dq = scratch.floats(rows * key_width);
  float* dy = scratch.floats(rows * value_width);
  for (i64 t = 0; t < head.at.queries; t += rows) {
    const Block block(head, t, rows);
    float* p = k.kept == nullptr ? block_p : head.kept_rows(k.kept, t);
    if (k.kept == nullptr) probabilities(block, k.q, turned_keys, p);
    for (i64 row = 0; row < block.rows; ++row) {
      copy_row(head.query_row(k.q, s.key_dim, t + row), s.key_dim, q + row * key_width, key_width);
      copy_row(head.query_row(g.dy, s.value_dim, t + row), s.value_dim, dy + row * value_width, value_width);
    }
    multiply_by_keys(block, dy, value_width, turned_values, s.value_dim, ds);
    for (i64 row = 0; row < block.rows; ++row) {
      const float* y = head.query_row(k.y, s.value_dim, t + row);
      const float* dy_row = dy + row * value_width;
      const float dy_y =
          sum_over(s.value_dim, [=](i64 j, auto lanes) { return lanes.load(y + j) * lanes.load(dy_row + j); });
      const i64 at = row * head.stride;
      backward_row(s, block.limit(row), block.columns, dy_y, p + at, weights + at, ds + at);
      if (dbias == nullptr) continue;
      for (i64 j = 0; j < block.limit(row); ++j)
        dbias[s.distance + clipped(head.position[j] - t - row, s.distance)] += ds[at + j];
    }
    if (g.dv != nullptr) add_over_queries(block, weights, dy, s.value_dim, dv);
    if (g.dk != nullptr) add_over_queries(block, ds, q, s.key_dim, dk);
    if (g.dq == nullptr) continue;
    sum_over_keys(block, ds, keys, s.key_dim, dq);
    for (i64 row = 0; row < block.rows; ++row)
      scale_row(dq + row * key_width, s.key_dim, s.scale, head.query_row(g.dq, s.key_dim, t + row));
  }
  if (g.dk != nullptr) head.store_to_keys(dk, s.key_dim, s.scale, g.dk);
  if (g.dv != nullptr) head.store_to_keys(dv, s.value_dim, 1.f, g.dv);
}

// Some 10 operations a nanosecond and core.
double head_ns(const AttentionShape& s, double products) {
  double pairs = 0;
  for (i64 i = 0; i < s.count; ++i)
    pairs += static_cast<double>(s.sequences[i].queries) * static_cast<double>(s.sequences[i].keys);
  const double mean = s.count > 0 ? pairs / static_cast<double>(s.count) : 0;
  return 200 + mean * products * 0.1 * static_cast<double>(s.key_dim + s.value_dim);
}

}  // namespace

void attention_forward(const AttentionForward& k) {
  const i64 grain = rows_for(head_ns(k.shape, 1));
  parallel_for(
      k.shape.count * k.shape.heads, grain,
      [&](i64 begin, i64 end) {
        for (i64 task = begin; task < end; ++task) forward_head(k, task);
      },
      static_cast<i64>(head_ns(k.shape, 1)) * grain);
}

void attention_backward(const AttentionBackward& g) {
  const AttentionShape& s = g.forward.shape;
  const i64 tasks = s.count * s.heads, grain = rows_for(head_ns(s, 3)), buckets = 2 * s.distance + 1;
  Scratch scratch;
  float* dbias = g.drelative_bias == nullptr ? nullptr : scratch.floats(tasks * buckets);
  if (dbias != nullptr) fill_zero(dbias, tasks * buckets);
  parallel_for(
      tasks, grain,
      [&](i64 begin, i64 end) {
        for (i64 task = begin; task < end; ++task)
          backward_head(g, task, dbias == nullptr ? nullptr : dbias + task * buckets);
      },
      static_cast<i64>(head_ns(s, 3)) * grain);
  if (dbias == nullptr) return;
  fill_zero(g.drelative_bias, s.heads * buckets);
  for (i64 i = 0; i < tasks * buckets; ++i) g.drelative_bias[i % (s.heads * buckets)] += dbias[i];
}

}  // namespace lw::LIKEWISE_LEVEL
