// The kernel table: one function pointer for each line of kernels.def.
#pragma once

#include "cpp/kernels/activation.h"
#include "cpp/kernels/attention.h"
#include "cpp/kernels/batch_norm.h"
#include "cpp/kernels/conv.h"
#include "cpp/kernels/conv_pool.h"
#include "cpp/kernels/dropout.h"
#include "cpp/kernels/elementwise.h"
#include "cpp/kernels/embedding.h"
#include "cpp/kernels/factorization.h"
#include "cpp/kernels/gemm.h"
#include "cpp/kernels/layout.h"
#include "cpp/kernels/least_squares.h"
#include "cpp/kernels/linear.h"
#include "cpp/kernels/losses.h"
#include "cpp/kernels/norm.h"
#include "cpp/kernels/optimizer.h"
#include "cpp/kernels/pool.h"
#include "cpp/kernels/recurrent.h"
#include "cpp/kernels/reduce.h"
#include "cpp/kernels/sampled_loss.h"
#include "cpp/kernels/softmax.h"
#include "cpp/kernels/softmax_loss.h"
#include "cpp/kernels/spmm.h"
#include "cpp/kernels/topk.h"

namespace lw {

struct KernelTable {
  const char* name;
#define KERNEL(kernel, Arguments) void (*kernel)(const Arguments&);
#include "cpp/kernels/kernels.def"
#undef KERNEL
};

}  // namespace lw
