#include "cpp/kernels/embedding.h"
#include "cuda/check.h"
#include "cuda/device/grid.h"

namespace lw::cuda {
namespace {

// A group of neighbouring threads copies four rows, each a Vector at a time: what a warp reads and writes at once is
// together, and where rows are no multiple of 32 bytes what it writes is too.
constexpr int rows_of_group = 4;

template <typename Vector>
__global__ void gather_rows(Gather g, int log_group) {
  const i64 width = g.dim * i64{sizeof(float)} / i64{sizeof(Vector)};
  const int group = 1 << log_group, lane = static_cast<int>(threadIdx.x) & (group - 1);
  const auto* table = reinterpret_cast<const Vector*>(g.table);
  auto* out = reinterpret_cast<Vector*>(g.out);
  const i64 step = (grid_threads() >> log_group) * rows_of_group;
  for (i64 first = (first_element() >> log_group) * rows_of_group; first < g.rows; first += step) {
    i64 from[rows_of_group];
#pragma unroll
    for (int r = 0; r < rows_of_group; ++r) from[r] = first + r < g.rows ? g.ids[first + r] * width : -1;
    for (i64 j = lane; j < width; j += group) {
      Vector taken[rows_of_group];
#pragma unroll
      for (int r = 0; r < rows_of_group; ++r)
        if (from[r] >= 0) taken[r] = table[from[r] + j];
#pragma unroll
      for (int r = 0; r < rows_of_group; ++r)
        if (from[r] >= 0) out[(first + r) * width + j] = taken[r];
    }
  }
}

template <typename Vector>
void launch(const Gather& g) {
  const i64 width = g.dim * i64{sizeof(float)} / i64{sizeof(Vector)};
  int log_group = 0;
  while (log_group < 5 && i64{1} << log_group < width) ++log_group;
  gather_rows<Vector><<<blocks_for(g.rows, rows_of_group * block_threads >> log_group), block_threads>>>(g, log_group);
}

}  // namespace

// out_r = table_{ids_r}
void gather(const Gather& g) {
  const bool is_aligned = aligned(g.table, g.out);
  if (is_aligned && g.dim % 4 == 0)
    launch<float4>(g);
  else if (is_aligned && g.dim % 2 == 0)
    launch<float2>(g);
  else
    launch<float>(g);
  check_launch("gather");
}

}  // namespace lw::cuda
