#include "cpp/core/arena.h"
#include "cpp/core/parallel.h"
#include "cpp/kernels/score_tile.h"
#include "cpp/kernels/topk.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

constexpr i64 group_rows = 48;  // queries whose scores of a panel are held at once
constexpr i64 panel_blocks = 16;

// Adds one panel of a query's scores [blocks * 16] to the counts of its wanted items.
void count_panel(const ItemPositions& p, i64 query, const float* wanted_scores, i64 first_block, i64 blocks,
                 const float* scores) {
  const i64 begin = p.wanted.indptr[query], end = p.wanted.indptr[query + 1];
  for (i64 at = begin; at < end; ++at) {
    const Vec mine(wanted_scores[at - begin]);
    const i32 item = p.wanted.items[at];
    i64 higher = 0, equal = 0;
    for (i64 block = 0; block < blocks; ++block) {
      const Vec score = Vec::load(scores + block * items_per_block);
      higher += __builtin_popcount(lanes_above(score, mine));
      u32 same = lanes_equal(score, mine);
      for (; same != 0; same &= same - 1) {
        const i64 other = (first_block + block) * items_per_block + __builtin_ctz(same);
        equal += other != item;
        p.earlier[at] += other < item;
      }
    }
    p.higher[at] += higher;
    p.equal[at] += equal;
  }
}

// Seen items of a query inside a panel of scores get -inf; `next` walks along its list.
void hide_seen(const ItemLists& seen, i64 query, i64& next, i64 first_item, i64 last_item, float* scores) {
  for (; next < seen.indptr[query + 1] && seen.items[next] < last_item; ++next)
    scores[seen.items[next] - first_item] = -__builtin_inff();
}

void count_group(const ItemPositions& p, i64 first, i64 rows) {
  const ScoreSource& s = p.source;
  Scratch scratch;
  const i64 first_wanted = p.wanted.indptr[first], last_wanted = p.wanted.indptr[first + rows];
  float* wanted_scores = scratch.floats(last_wanted - first_wanted);
  i64* next = scratch.get<i64>(rows);
  for (i64 row = 0; row < rows; ++row) {
    next[row] = p.seen.indptr[first + row];
    for (i64 at = p.wanted.indptr[first + row]; at < p.wanted.indptr[first + row + 1]; ++at) {
      wanted_scores[at - first_wanted] = score_one(s, first + row, p.wanted.items[at]);
      p.higher[at] = p.earlier[at] = p.equal[at] = 0;
    }
  }
  float* queries = scratch.floats(s.packed ? rows * s.dim : 0);
  if (s.packed) pack_queries(rows, s.dim, s.vectors + first * s.dim, queries);
  constexpr i64 panel_items = panel_blocks * items_per_block;
  float* scores = scratch.floats(rows * panel_items);
  const i64 blocks = blocks_of(s.items);
  for (i64 begin = 0; begin < blocks; begin += panel_blocks) {
    const i64 end = begin + panel_blocks < blocks ? begin + panel_blocks : blocks;
    if (s.packed)
      for_scores(s, rows, queries, begin, end, [&](i64 row, i64 block, auto& score) {
        constexpr int tile = sizeof(score) / sizeof(score[0]), wide = sizeof(score[0]) / sizeof(score[0][0]);
        for (int r = 0; r < tile; ++r)
          for (int b = 0; b < wide; ++b)
            score[r][b].store(scores + (row + r) * panel_items + (block + b - begin) * items_per_block);
      });
    for (i64 row = 0; row < rows; ++row) {
      float* panel = scores + row * panel_items;
      if (s.packed == nullptr)
        for (i64 block = begin; block < end; ++block) {
          const i64 at = block * items_per_block;
          (Vec::load(s.scores + (first + row) * s.items + at, s.items - at) + Vec::load(s.bias + at))
              .store(panel + (block - begin) * items_per_block);
        }
      hide_seen(p.seen, first + row, next[row], begin * items_per_block, end * items_per_block, panel);
      count_panel(p, first + row, wanted_scores + p.wanted.indptr[first + row] - first_wanted, begin, end - begin,
                  panel);
    }
  }
}

}  // namespace

void item_positions(const ItemPositions& p) {
  const i64 groups = (p.source.queries + group_rows - 1) / group_rows;
  const auto count = [&](i64 begin, i64 end) {
    for (i64 group = begin; group < end; ++group) {
      const i64 first = group * group_rows;
      count_group(p, first, p.source.queries - first < group_rows ? p.source.queries - first : group_rows);
    }
  };
  parallel_for(groups, 1, count, group_rows * p.source.items * (p.source.dim + 16) / 50);
}

}  // namespace lw::LIKEWISE_LEVEL
