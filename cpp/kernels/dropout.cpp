#include "cpp/core/parallel.h"
#include "cpp/kernels/drop.h"

namespace lw::LIKEWISE_LEVEL {

void dropout(const Dropout& k) {
  parallel_for(k.count, 64 * draws_together, [&](i64 begin, i64 end) {
    drop(k.draws, begin, end - begin, k.x + begin, k.residual == nullptr ? nullptr : k.residual + begin, k.out + begin);
  });
}

}  // namespace lw::LIKEWISE_LEVEL
