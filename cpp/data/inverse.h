// Inverse of a symmetric positive definite matrix in its own memory.
#pragma once

#include "cpp/core/types.h"

namespace lw {

// Replaces the lower triangle of `matrix` [n, n] by that of minus its inverse; what stands above the diagonal is
// neither read nor kept. n^3 operations, n * 2 * 256 floats of scratch. The same bits at any number of threads.
// std::invalid_argument if the matrix is not positive definite in float32.
void negative_inverse(float* matrix, i64 n);

}  // namespace lw
