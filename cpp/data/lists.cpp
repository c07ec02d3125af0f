#include "cpp/data/lists.h"

#include <algorithm>

#include "cpp/core/parallel.h"

namespace lw {

ItemSets distinct_lists(i64 lists, const i64* indptr, const i32* items) {
  std::vector<i32> sorted(items, items + indptr[lists]);
  ItemSets sets;
  sets.indptr.assign(static_cast<std::size_t>(lists) + 1, 0);
  const i64 lists_at_once = 64;
  parallel_for(lists, lists_at_once, [&](i64 begin, i64 end) {
    for (i64 q = begin; q < end; ++q) {
      i32 *first = sorted.data() + indptr[q], *last = sorted.data() + indptr[q + 1];
      if (!std::is_sorted(first, last)) std::sort(first, last);
      sets.indptr[q + 1] = std::unique(first, last) - first;
    }
  });
  for (i64 q = 0; q < lists; ++q) sets.indptr[q + 1] += sets.indptr[q];
  sets.items.resize(static_cast<std::size_t>(sets.indptr[lists]));
  parallel_for(lists, lists_at_once, [&](i64 begin, i64 end) {
    for (i64 q = begin; q < end; ++q)
      std::copy_n(sorted.data() + indptr[q], sets.indptr[q + 1] - sets.indptr[q], sets.items.data() + sets.indptr[q]);
  });
  return sets;
}

}  // namespace lw
