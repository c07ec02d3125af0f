// Lists of items, one a user.
#pragma once

#include <vector>

#include "cpp/core/types.h"

namespace lw {

// List q is items[indptr[q]] to items[indptr[q + 1]].
struct ItemSets {
  std::vector<i64> indptr;
  std::vector<i32> items;
};

// The items of each list once, ascending.
ItemSets distinct_lists(i64 lists, const i64* indptr, const i32* items);

}  // namespace lw
