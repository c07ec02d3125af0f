#include "cpp/kernels/embedding.h"
#include "cuda/check.h"
#include "cuda/device/grid.h"

namespace lw::cuda {
namespace {

// One warp copies one row, so that neighbouring threads read neighbouring floats.
__global__ void gather_rows(Gather g) {
  const i64 warps = grid_threads() / warp_threads;
  for (i64 row = first_element() / warp_threads; row < g.rows; row += warps) {
    const float* from = g.table + g.ids[row] * g.dim;
    float* to = g.out + row * g.dim;
    for (i64 j = threadIdx.x % warp_threads; j < g.dim; j += warp_threads) to[j] = from[j];
  }
}

}  // namespace

// out_r = table_{ids_r}
void gather(const Gather& g) {
  gather_rows<<<blocks_for(g.rows, block_threads / warp_threads), block_threads>>>(g);
  check_launch("gather");
}

}  // namespace lw::cuda
