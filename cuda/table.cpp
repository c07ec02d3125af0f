// The table of CUDA kernels. Every line of kernels.def has its kernel in cuda/*.cu or its NO_KERNEL here; with
// neither or both, nothing that contains the library links.
#include "cpp/kernels/table.h"

#include <stdexcept>

#include "cpp/backend/cuda.h"

namespace lw::cuda {

#define KERNEL(kernel, Arguments) [[gnu::visibility("hidden")]] void kernel(const Arguments&);
#include "cpp/kernels/kernels.def"
#undef KERNEL

namespace {

template <typename Kernel>
struct ArgumentsOf;
template <typename Arguments>
struct ArgumentsOf<void (*)(const Arguments&)> {
  using type = Arguments;
};

}  // namespace

#define NO_KERNEL(kernel)                                                \
  void kernel(const ArgumentsOf<decltype(KernelTable::kernel)>::type&) { \
    throw std::runtime_error(#kernel " has no CUDA kernel");             \
  }

NO_KERNEL(adagrad_step)
NO_KERNEL(adam_step)
NO_KERNEL(argmax)
NO_KERNEL(attention_backward)
NO_KERNEL(attention_forward)
NO_KERNEL(average_pool_backward)
NO_KERNEL(average_pool_forward)
NO_KERNEL(bag_dot)
NO_KERNEL(bag_spread)
NO_KERNEL(bag_sum)
NO_KERNEL(batch_norm_backward)
NO_KERNEL(batch_norm_forward)
NO_KERNEL(categorical_losses)
NO_KERNEL(conjugate_gradient)
NO_KERNEL(conv_backward)
NO_KERNEL(conv_forward)
NO_KERNEL(conv_pool_backward)
NO_KERNEL(conv_pool_forward)
NO_KERNEL(dropout)
NO_KERNEL(elementwise)
NO_KERNEL(factorization_catch_up)
NO_KERNEL(factorization_step)
NO_KERNEL(gemm)
NO_KERNEL(gemm_batch)
NO_KERNEL(item_positions)
NO_KERNEL(layer_norm_backward)
NO_KERNEL(layer_norm_forward)
NO_KERNEL(least_squares)
NO_KERNEL(linear_backward)
NO_KERNEL(linear_forward)
NO_KERNEL(max_pool_backward)
NO_KERNEL(max_pool_forward)
NO_KERNEL(own_candidates)
NO_KERNEL(pack_items)
NO_KERNEL(pair_scores)
NO_KERNEL(pointwise_losses)
NO_KERNEL(recurrent_backward)
NO_KERNEL(recurrent_forward)
NO_KERNEL(reduce)
NO_KERNEL(rmsprop_step)
NO_KERNEL(sgd_step)
NO_KERNEL(shared_candidates)
NO_KERNEL(softmax_backward)
NO_KERNEL(softmax_forward)
NO_KERNEL(softmax_loss)
NO_KERNEL(softmax_loss_backward)
NO_KERNEL(softmax_loss_with_gradients)
NO_KERNEL(sort_ids)
NO_KERNEL(spmm)
NO_KERNEL(strided_copy)
NO_KERNEL(sum_scaled_rows)
NO_KERNEL(sum_segments)
NO_KERNEL(sum_squares)
NO_KERNEL(top_items)

#undef NO_KERNEL

namespace {

constinit const KernelTable table = {
    "cuda",
#define KERNEL(kernel, Arguments) kernel,
#include "cpp/kernels/kernels.def"
#undef KERNEL
};

}  // namespace
}  // namespace lw::cuda

namespace lw {

const KernelTable& cuda_kernels() {
  static const CudaStatus status = cuda_status();
  if (status.devices == 0) throw std::runtime_error("cuda: " + status.reason);
  return cuda::table;
}

}  // namespace lw
