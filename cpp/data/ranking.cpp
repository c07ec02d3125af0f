#include "cpp/data/ranking.h"

#include <algorithm>
#include <limits>

#include "cpp/backend/dispatch.h"

namespace lw {
namespace {

constexpr float lowest = -std::numeric_limits<float>::infinity();

i64 blocks_of(i64 items) { return (items + items_per_block - 1) / items_per_block; }

// Parts of the catalogue that are searched on their own: enough tasks for many threads, few enough that the
// thresholds of the parts are high soon.
i64 chunks_for(i64 queries, i64 items) {
  const i64 groups = std::max<i64>(1, (queries + 255) / 256);
  return std::clamp<i64>(64 / groups, 1, std::max<i64>(1, items / 16384));
}

}  // namespace

PackedItems::PackedItems(const float* vectors, const float* biases, i64 items, i64 dim)
    : items_(items),
      dim_(dim),
      packed_(empty({blocks_of(items), dim, items_per_block})),
      biases_(masked_biases(biases, nullptr, items)) {
  kernels(Device::cpu).pack_items({items, dim, vectors, packed_.floats()});
}

ScoreSource PackedItems::source(const float* vectors, i64 queries, const float* bias) const {
  return {queries, items_, dim_, vectors, packed_.floats(), nullptr, bias};
}

ScoreSource matrix_source(const float* scores, i64 queries, i64 items, const float* bias) {
  return {queries, items, 0, nullptr, nullptr, scores, bias};
}

Array masked_biases(const float* biases, Allowed allowed, i64 items) {
  Array padded = full({blocks_of(items) * items_per_block}, lowest);
  float* to = padded.floats();
  for (i64 item = 0; item < items; ++item)
    if (allowed == nullptr || allowed[item]) to[item] = biases ? biases[item] : 0.f;
  return padded;
}

void top_items(const ScoreSource& source, const Lists& seen, i64 k, i32* items, float* scores) {
  const i64 chunks = source.packed ? chunks_for(source.queries, source.items) : 1;
  Array scratch_scores = empty({source.queries, chunks, k});
  Array scratch_items = empty({source.queries, chunks, k}, Device::cpu, DType::int32);
  Array floors = empty({source.queries});
  kernels(Device::cpu)
      .top_items({source,
                  {seen.indptr, seen.items},
                  k,
                  chunks,
                  floors.floats(),
                  scratch_scores.floats(),
                  scratch_items.data<i32>(),
                  scores,
                  items});
}

void item_positions(const ScoreSource& source, const Lists& wanted, const Lists& seen, i64* higher, i64* earlier,
                    i64* equal) {
  kernels(Device::cpu)
      .item_positions({source, {seen.indptr, seen.items}, {wanted.indptr, wanted.items}, higher, earlier, equal});
}

void pair_scores(const ScoreSource& source, i64 pairs, const i64* rows, const i32* items, float* out) {
  for (i64 pair = 0; pair < pairs; ++pair) {
    expect(rows[pair] >= 0 && rows[pair] < source.queries, "pairs", "row ", rows[pair], " of ", source.queries);
    expect(items[pair] >= 0 && items[pair] < source.items, "pairs", "item ", items[pair], " of ", source.items);
  }
  kernels(Device::cpu).pair_scores({source, pairs, rows, items, out});
}

void check_lists(const char* name, const Lists& lists, i64 queries, i64 items, bool ascending) {
  expect(lists.queries == queries, name, "has lists for ", lists.queries, " queries, there are ", queries);
  expect(lists.indptr[0] == 0 && lists.indptr[queries] == lists.count, name, "pointers run from ", lists.indptr[0],
         " to ", lists.indptr[queries], ", there are ", lists.count, " items");
  for (i64 query = 0; query < queries; ++query)
    expect(lists.indptr[query] <= lists.indptr[query + 1], name, "pointers must ascend, they do not at ", query);
  for (i64 query = 0; query < queries; ++query) {
    i64 before = -1;
    for (i64 at = lists.indptr[query]; at < lists.indptr[query + 1]; ++at) {
      const i64 item = lists.items[at];
      expect(item >= 0 && item < items, name, "item ", item, " of ", items);
      expect(!ascending || item > before, name, "items of query ", query, " must ascend, got ", item, " after ",
             before);
      before = item;
    }
  }
}

}  // namespace lw
