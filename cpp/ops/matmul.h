// Matrix products.
#pragma once

#include "cpp/autograd/tensor.h"
#include "cpp/kernels/activation.h"

namespace lw {

// Products of matrices [rows, columns]: a b, a b^T, a^T b.
Array matmul_nn(const Array& a, const Array& b);
Array matmul_nt(const Array& a, const Array& b);
Array matmul_tn(const Array& a, const Array& b);

namespace ops {

// NumPy's matmul: vectors, matrices, stacks of matrices whose leading axes broadcast.
Tensor matmul(const Tensor& a, const Tensor& b);

}  // namespace ops
}  // namespace lw
