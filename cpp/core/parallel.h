// The thread pool. Work is split by size, never by the number of threads, so results do not depend on it.
#pragma once

#include "cpp/core/types.h"

namespace lw {

// Runs body(context, begin, end) for [0, n) in tasks of `grain`: [0, grain), [grain, 2 grain), ... in any order.
// One task, a nested call, or a pool that is busy with another caller's work: everything runs on the calling thread.
// `task_ns` is roughly what one task costs; sleeping workers are woken only for about a millisecond of work,
// in one call or in many.
void run_parallel(i64 n, i64 grain, i64 task_ns, void (*body)(const void*, i64, i64), const void* context);

// Choose `grain` so that a task takes at least some 15 us. The body must not throw.
template <typename Body>
[[gnu::always_inline]] inline void parallel_for(i64 n, i64 grain, const Body& body, i64 task_ns = 15'000) {
  if (n <= grain) {
    if (n > 0) body(i64{0}, n);
    return;
  }
  run_parallel(
      n, grain, task_ns,
      [](const void* context, i64 begin, i64 end) { (*static_cast<const Body*>(context))(begin, end); }, &body);
}

// Rows a task should hold so that it takes some 15 us when one row costs `row_ns`.
[[gnu::always_inline]] inline i64 rows_for(double row_ns) {
  return row_ns >= 15'000.0 ? 1 : static_cast<i64>(15'000.0 / (row_ns > 0.01 ? row_ns : 0.01));
}

// Threads that work on one call, the caller included. Default: LIKEWISE_NUM_THREADS, else OMP_NUM_THREADS, else what
// affinity and cgroup allow.
// Gives a forked child a pool of its own; done by the first use as well.
void pool_survives_fork();
int num_threads();
void check_thread_settings();  // throws if LIKEWISE_NUM_THREADS is no such number
void set_num_threads(int count);

}  // namespace lw
