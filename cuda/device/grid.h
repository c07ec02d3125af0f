// How work is laid over a grid: blocks of 256 threads that stride over it, enough of them to fill any device. A thread
// has several loads under way before it needs the first: memory answers after some 800 cycles.
#pragma once

#include <cstdint>

#include "cpp/core/types.h"

namespace lw::cuda {

constexpr int block_threads = 256;
constexpr i64 most_blocks = 1 << 16;

// Blocks for `count` pieces of work of which a block does `each` at a time; at least one.
inline unsigned blocks_for(i64 count, i64 each) {
  const i64 blocks = (count + each - 1) / each;
  return static_cast<unsigned>(blocks < 1 ? 1 : blocks < most_blocks ? blocks : most_blocks);
}

// This thread's first element, and how far it is to its next.
__device__ inline i64 first_element() { return i64{blockIdx.x} * block_threads + threadIdx.x; }
__device__ inline i64 grid_threads() { return i64{gridDim.x} * block_threads; }

// Four neighbouring floats are read and written at once where they start at a multiple of 16 bytes.
template <typename... Pointers>
bool aligned(Pointers... pointers) {
  return ((reinterpret_cast<std::uintptr_t>(pointers) % sizeof(float4) == 0) && ...);
}
__device__ inline const float4* quads_of(const float* start) { return reinterpret_cast<const float4*>(start); }
__device__ inline float4* quads_of(float* start) { return reinterpret_cast<float4*>(start); }

}  // namespace lw::cuda
