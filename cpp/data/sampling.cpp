#include "cpp/data/sampling.h"

#include <algorithm>

#include "cpp/core/parallel.h"
#include "cpp/core/random.h"

namespace lw {
namespace {

constexpr u64 purpose = 0x6576616c;  // keeps these draws apart from all others of the same seed

// Floyd's sampling of `count` out of n: for j from n - count on, a draw of {0..j}, or j itself if that is taken. Drawn
// numbers are places among the free items; adding the taken items before a place gives the item.
void sample_list(i64 items, i64 count, u64 key, const i32* taken, i64 taken_count, i32* out) {
  const i64 n = items - taken_count;
  for (i64 j = n - count, at = 0; j < n; ++j, ++at) {
    const u32 word = philox(key, 0, static_cast<u64>(at)).word[0];
    const i32 drawn = static_cast<i32>(below(word, static_cast<u32>(j + 1)));
    i32* place = std::lower_bound(out, out + at, drawn);
    if (place != out + at && *place == drawn) {
      out[at] = static_cast<i32>(j);  // larger than all drawn so far
    } else {
      std::move_backward(place, out + at, out + at + 1);
      *place = drawn;
    }
  }
  i64 before = 0;
  for (i64 at = 0; at < count; ++at) {
    while (before < taken_count && taken[before] <= out[at] + before) ++before;
    out[at] += static_cast<i32>(before);
  }
}

}  // namespace

SampledItems sample_items(i64 items, i64 count, u64 seed, i64 lists, const i64* keys, const i64* indptr,
                          const i32* taken) {
  SampledItems result;
  result.indptr.resize(static_cast<std::size_t>(lists) + 1);
  for (i64 q = 0; q < lists; ++q)
    result.indptr[q + 1] = result.indptr[q] + std::min(count, items - (indptr[q + 1] - indptr[q]));
  result.items.resize(static_cast<std::size_t>(result.indptr[lists]));
  parallel_for(lists, 64, [&](i64 begin, i64 end) {
    for (i64 q = begin; q < end; ++q)
      sample_list(items, result.indptr[q + 1] - result.indptr[q], random_key(seed, purpose, keys[q]), taken + indptr[q],
                  indptr[q + 1] - indptr[q], result.items.data() + result.indptr[q]);
  });
  return result;
}

}  // namespace lw
