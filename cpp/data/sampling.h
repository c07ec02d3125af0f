// Draws of items for evaluation.
#pragma once

#include <vector>

#include "cpp/core/types.h"

namespace lw {

// For each list q: up to `count` distinct items of [0, items) that are not among taken[indptr[q]] to
// taken[indptr[q + 1]] (ascending), uniformly, in ascending order; all of them where there are no more. Draws are keyed
// by (seed, keys[q]): they depend on neither the other lists nor their order.
struct SampledItems {
  std::vector<i64> indptr;
  std::vector<i32> items;
};
SampledItems sample_items(i64 items, i64 count, u64 seed, i64 lists, const i64* keys, const i64* indptr,
                          const i32* taken);

}  // namespace lw
