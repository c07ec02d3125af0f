#include "cpp/kernels/topk.h"

#include "cpp/core/arena.h"
#include "cpp/core/parallel.h"
#include "cpp/kernels/score_tile.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

constexpr float lowest = -__builtin_inff();
// Queries that pass over a panel of items together: enough that computing hides reading the table.
constexpr i64 group_rows = 256;

// The largest float below x.
float below(float x) {
  if (x == lowest) return x;
  i32 bits;
  __builtin_memcpy(&bits, &x, 4);
  bits = x > 0 ? bits - 1 : x < 0 ? bits + 1 : static_cast<i32>(0x80000001u);
  __builtin_memcpy(&x, &bits, 4);
  return x;
}

// A floor that any thread may raise. What is found does not depend on when: it only spares work.
float read_floor(const float* floor) {
  float value;
  __atomic_load(floor, &value, __ATOMIC_RELAXED);
  return value;
}
void raise_floor(float* floor, float value) {
  float old = read_floor(floor);
  while (old < value && !__atomic_compare_exchange(floor, &old, &value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
}

// A walk along the ascending list of a query's seen items.
struct SeenWalk {
  const i32* next;
  const i32* end;

  // The walk of items from `first` on.
  static SeenWalk from(const ItemLists& lists, i64 query, i64 first) {
    const i32 *low = lists.items + lists.indptr[query], *end = lists.items + lists.indptr[query + 1], *high = end;
    while (low < high) {
      const i32* middle = low + (high - low) / 2;
      if (*middle < first)
        low = middle + 1;
      else
        high = middle;
    }
    return {low, end};
  }
  // Items must be asked for in ascending order.
  bool has(i32 item) {
    while (next < end && *next < item) ++next;
    return next < end && *next == item;
  }
};

// The best k (score, item) pairs offered so far: a heap with the worst at its root.
struct Best {
  float* scores;
  i32* items;
  i64 k;
  i64 size;

  bool full() const { return size == k; }
  // Is pair a worse than pair b?
  bool worse(float score_a, i32 item_a, float score_b, i32 item_b) const {
    return score_a < score_b || (score_a == score_b && item_a > item_b);
  }
  void put(i64 at, float score, i32 item) {
    scores[at] = score;
    items[at] = item;
  }
  void offer(float score, i32 item) {
    if (!full()) {
      i64 at = size++;
      for (i64 parent = (at - 1) / 2; at > 0 && worse(score, item, scores[parent], items[parent]);
           parent = (at - 1) / 2) {
        put(at, scores[parent], items[parent]);
        at = parent;
      }
      put(at, score, item);
    } else if (worse(scores[0], items[0], score, item)) {
      sink(score, item);
    }
  }
  // Puts a pair in place of the root.
  void sink(float score, i32 item) {
    i64 at = 0;
    for (i64 child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && worse(scores[child + 1], items[child + 1], scores[child], items[child])) ++child;
      if (!worse(scores[child], items[child], score, item)) break;
      put(at, scores[child], items[child]);
      at = child;
    }
    put(at, score, item);
  }
  // The pairs from best to worst; the heap is used up. Places beyond them get -inf and -1.
  void drain(float* best_scores, i32* best_items) {
    for (i64 rest = k; rest > size; --rest) {
      best_scores[rest - 1] = lowest;
      best_items[rest - 1] = -1;
    }
    while (size > 0) {
      best_scores[size - 1] = scores[0];
      best_items[size - 1] = items[0];
      --size;
      if (size > 0) sink(scores[size], items[size]);
    }
  }
};

// One query's search through a chunk: its k best so far, what it must not show, and the score an item must exceed.
// Items come in ascending order, so an equal score never replaces one.
struct Search {
  Best best;
  SeenWalk seen;

  // Offers the lanes of a block that exceed the threshold; returns the new threshold.
  float offer(i64 block, const float* scores, float threshold) {
    for (u32 passed = lanes_above(Vec::load(scores), Vec(threshold)); passed != 0; passed &= passed - 1) {
      const int j = __builtin_ctz(passed);
      const i32 item = static_cast<i32>(block * items_per_block + j);
      if (!(scores[j] > threshold) || seen.has(item)) continue;
      best.offer(scores[j], item);
      if (best.full() && best.scores[0] > threshold) threshold = best.scores[0];
    }
    return threshold;
  }
};

// A tile of scores [rows, blocks, 16] of which some exceed their threshold.
[[gnu::noinline]] void offer_tile(const float* scores, i64 rows, i64 blocks, i64 block, float* threshold,
                                  Search* search) {
  for (i64 r = 0; r < rows; ++r)
    for (i64 b = 0; b < blocks; ++b)
      threshold[r] = search[r].offer(block + b, scores + (r * blocks + b) * items_per_block, threshold[r]);
}

// `rows` queries against blocks [begin, end) of the packed table.
void search_packed(const ScoreSource& s, const float* vectors, i64 rows, i64 begin, i64 end, float* threshold,
                   Search* search) {
  Scratch scratch;
  float* queries = scratch.floats(rows * s.dim);
  pack_queries(rows, s.dim, vectors, queries);
  for_scores(s, rows, queries, begin, end, [&](i64 row, i64 block, auto& score) {
    constexpr int tile = sizeof(score) / sizeof(score[0]), wide = sizeof(score[0]) / sizeof(score[0][0]);
    u32 passed = 0;
#pragma GCC unroll 8
    for (int r = 0; r < tile; ++r) {
      const Vec bar(threshold[row + r]);
#pragma GCC unroll 8
      for (int b = 0; b < wide; ++b) passed |= lanes_above(score[r][b], bar);
    }
    if (passed == 0) [[likely]]
      return;
    float lanes[tile * wide * vector_lanes];
#pragma GCC unroll 8
    for (int r = 0; r < tile; ++r)
#pragma GCC unroll 8
      for (int b = 0; b < wide; ++b) score[r][b].store(lanes + (r * wide + b) * vector_lanes);
    offer_tile(lanes, tile, wide, block, threshold + row, search + row);
  });
}

// One query against blocks [begin, end) of a row of scores made elsewhere.
void search_row(const ScoreSource& s, const float* row, i64 begin, i64 end, float threshold, Search& search) {
  for (i64 block = begin; block < end; ++block) {
    const i64 at = block * items_per_block;
    const Vec score = Vec::load(s.bias + at) + Vec::load(row + at, s.items - at);
    if (lanes_above(score, Vec(threshold)) == 0) continue;
    float lanes[vector_lanes];
    score.store(lanes);
    threshold = search.offer(block, lanes, threshold);
  }
}

// Queries [first, first + rows) in one chunk of the catalogue.
void search_chunk(const TopItems& t, i64 first, i64 rows, i64 chunk) {
  const ScoreSource& s = t.source;
  const i64 blocks = blocks_of(s.items), begin = blocks * chunk / t.chunks, end = blocks * (chunk + 1) / t.chunks;
  Search search[group_rows];
  float threshold[group_rows];
  for (i64 row = 0; row < rows; ++row) {
    const i64 query = first + row, at = (query * t.chunks + chunk) * t.k;
    search[row] = {{t.scores + at, t.items + at, t.k, 0}, SeenWalk::from(t.seen, query, begin * items_per_block)};
    threshold[row] = below(read_floor(t.floors + query));  // an equal score may have the smaller item
  }
  if (s.packed)
    search_packed(s, s.vectors + first * s.dim, rows, begin, end, threshold, search);
  else
    for (i64 row = 0; row < rows; ++row)
      search_row(s, s.scores + (first + row) * s.items, begin, end, threshold[row], search[row]);
  for (i64 row = 0; row < rows; ++row) {
    Best& best = search[row].best;
    if (best.full()) raise_floor(t.floors + first + row, best.scores[0]);
    for (i64 rest = best.size; rest < t.k; ++rest) best.put(rest, lowest, -1);
  }
}

}  // namespace

void pack_items(const PackItems& p) {
  const i64 blocks = blocks_of(p.items);
  parallel_for(blocks, rows_for(8.0 * static_cast<double>(p.dim)), [&](i64 begin, i64 end) {
    for (i64 block = begin; block < end; ++block)
      for (i64 j = 0; j < items_per_block; ++j) {
        const i64 item = block * items_per_block + j;
        for (i64 d = 0; d < p.dim; ++d)
          p.packed[(block * p.dim + d) * items_per_block + j] = item < p.items ? p.vectors[item * p.dim + d] : 0.f;
      }
  });
}

void top_items(const TopItems& t) {
  const ScoreSource& s = t.source;
  for (i64 query = 0; query < s.queries; ++query) t.floors[query] = lowest;
  const i64 groups = (s.queries + group_rows - 1) / group_rows;
  const double task_scores = static_cast<double>(group_rows * s.items / t.chunks);
  const i64 task_ns = static_cast<i64>(task_scores * (s.packed ? 0.01 * static_cast<double>(s.dim) : 0.3));
  const auto search = [&](i64 begin, i64 end) {
    for (i64 task = begin; task < end; ++task) {
      const i64 first = task / t.chunks * group_rows;
      search_chunk(t, first, s.queries - first < group_rows ? s.queries - first : group_rows, task % t.chunks);
    }
  };
  parallel_for(groups * t.chunks, 1, search, task_ns);
  // The chunks of a query together, sorted. The first chunk's heap takes in the others.
  parallel_for(s.queries, rows_for(50.0 * static_cast<double>(t.k * t.chunks)), [&](i64 begin, i64 end) {
    for (i64 query = begin; query < end; ++query) {
      float* scores = t.scores + query * t.chunks * t.k;
      i32* items = t.items + query * t.chunks * t.k;
      Best best{scores, items, t.k, 0};
      while (best.size < t.k && items[best.size] >= 0) ++best.size;
      for (i64 at = t.k; at < t.chunks * t.k; ++at)
        if (items[at] >= 0) best.offer(scores[at], items[at]);
      best.drain(t.top_scores + query * t.k, t.top_items + query * t.k);
    }
  });
}

void pair_scores(const PairScores& p) {
  parallel_for(p.pairs, rows_for(5.0 * static_cast<double>(p.source.dim + 4)), [&](i64 begin, i64 end) {
    for (i64 pair = begin; pair < end; ++pair) p.out[pair] = score_one(p.source, p.rows[pair], p.items[pair]);
  });
}

}  // namespace lw::LIKEWISE_LEVEL
