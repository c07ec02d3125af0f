#include "cpp/kernels/layout.h"

#include "cpp/core/parallel.h"
#include "cpp/kernels/simd.h"

namespace lw::LIKEWISE_LEVEL {
namespace {

constexpr i64 elements_per_task = 16'384;

i64 position(const StridedCopy& k, const i64* stride, i64 row) {
  i64 result = 0;
  for (i64 axis = k.rank - 2; axis >= 0; --axis) {
    result += row % k.shape[axis] * stride[axis];
    row /= k.shape[axis];
  }
  return result;
}

template <typename T>
void copy_rows(const StridedCopy& k) {
  const i64 n = k.rank == 0 ? 1 : k.shape[k.rank - 1];
  const i64 from_step = k.rank == 0 ? 1 : k.from_stride[k.rank - 1],
            to_step = k.rank == 0 ? 1 : k.to_stride[k.rank - 1];
  i64 rows = 1;
  for (i64 axis = 0; axis + 1 < k.rank; ++axis) rows *= k.shape[axis];
  if (n == 0) return;
  // In a transposition rows lie side by side in `from`: eight of them together use a cache line as a whole.
  const bool transposes = k.rank >= 2 && from_step != 1 && k.from_stride[k.rank - 2] == 1;
  const i64 together = transposes ? 8 : 1, grain = (elements_per_task / n / together + 1) * together;
  parallel_for(rows, grain, [&](i64 begin, i64 end) {
    for (i64 row = begin, count = 1; row < end; row += count) {
      const T* from = static_cast<const T*>(k.from) + position(k, k.from_stride, row);
      T* to = static_cast<T*>(k.to) + position(k, k.to_stride, row);
      if (from_step == 1 && to_step == 1) {
        __builtin_memcpy(to, from, static_cast<std::size_t>(n) * sizeof(T));
      } else if (transposes) {
        const i64 left = k.shape[k.rank - 2] - row % k.shape[k.rank - 2], apart = k.to_stride[k.rank - 2];
        count = left < together ? left : together;
        if (count > end - row) count = end - row;
        for (i64 j = 0; j < n; ++j)
          for (i64 r = 0; r < count; ++r) to[r * apart + j * to_step] = from[j * from_step + r];
      } else {
        for (i64 j = 0; j < n; ++j) to[j * to_step] = from[j * from_step];
      }
    }
  });
}

}  // namespace

void strided_copy(const StridedCopy& k) {
  switch (k.element_size) {
    case 1: return copy_rows<u8>(k);
    case 4: return copy_rows<u32>(k);
    default: return copy_rows<u64>(k);
  }
}

}  // namespace lw::LIKEWISE_LEVEL
