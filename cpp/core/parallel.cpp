#include "cpp/core/parallel.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "cpp/core/check.h"

namespace lw {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto spin_time = std::chrono::microseconds(1000);
constexpr i64 wake_worthy_ns = 1'000'000;
constexpr int most_threads = 256;

thread_local bool inside_task = false;

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

// A woken thread is often put on the core of the thread that woke it, where it spins in the way of the work it came
// for, for milliseconds until the system balances. If the calling thread runs on `processor`, it moves to another one.
void leave(int processor) {
  if (processor < 0 || sched_getcpu() != processor) return;
  cpu_set_t allowed, others;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  others = allowed;
  CPU_CLR(processor, &others);
  if (CPU_COUNT(&others) == 0 || sched_setaffinity(0, sizeof others, &others) != 0) return;
  sched_setaffinity(0, sizeof allowed, &allowed);
}

// Every thread has a share of a job's tasks, a contiguous run of them: the same rows of one matrix after another stay
// with the core that has them in its cache, and threads meet in memory only when one helps another with its rest.
// A claim moves a word (job << task_bits | next task) by compare-and-swap. A word of an older job means that nobody has
// begun the share; one of a newer job tells a late worker that its own job is over. While the parameters of a job are
// being written, `job_` says `closed`, and a reader that saw it change under its hands reads again.
class Pool {
 public:
  explicit Pool(int threads) : threads_(threads), shares_(new Share[static_cast<std::size_t>(threads)]) {}

  int threads() const { return threads_; }

  void run(i64 n, i64 grain, i64 task_ns, void (*body)(const void*, i64, i64), const void* context) {
    const i64 tasks = (n + grain - 1) / grain;
    std::unique_lock owner(owner_, std::try_to_lock);
    if (!owner.owns_lock() || threads_ == 1 || tasks >= most_tasks) {
      run_inline(n, grain, body, context);
      return;
    }
    if (!started_) start();

    last_job_ = (last_job_ + 1) % closed;
    job_.store(closed, std::memory_order_release);
    n_.store(n, std::memory_order_release);
    grain_.store(grain, std::memory_order_release);
    body_.store(body, std::memory_order_release);
    context_.store(context, std::memory_order_release);
    done_by_workers_.store(0, std::memory_order_release);
    job_.store(last_job_, std::memory_order_release);

    wake_for(tasks * task_ns);
    inside_task = true;
    const i64 done = work_on({last_job_, n, grain, body, context}, 0, nullptr);
    inside_task = false;
    while (done_by_workers_.load(std::memory_order_acquire) < tasks - done) pause();
  }

 private:
  static constexpr int task_bits = 24;
  static constexpr i64 most_tasks = i64{1} << task_bits;
  static constexpr u64 closed = u64{1} << (64 - task_bits);  // jobs are counted below it, and around

  struct alignas(64) Share {
    std::atomic<u64> word{0};
  };
  struct Job {
    u64 number;
    i64 n, grain;
    void (*body)(const void*, i64, i64);
    const void* context;
  };

  static void run_inline(i64 n, i64 grain, void (*body)(const void*, i64, i64), const void* context) {
    for (i64 begin = 0; begin < n; begin += grain) body(context, begin, std::min(n, begin + grain));
  }

  // Waking a sleeper takes as long as a job of a few hundred microseconds: not worth it for one small job, but for a
  // stream of them it is, so their costs add up.
  void wake_for(i64 cost_ns) {
    unattended_ns_ = sleepers_.load(std::memory_order_relaxed) > 0 ? unattended_ns_ + cost_ns : 0;
    if (unattended_ns_ < wake_worthy_ns) return;
    unattended_ns_ = 0;
    callers_processor_.store(sched_getcpu(), std::memory_order_relaxed);
    std::lock_guard lock(sleep_mutex_);
    sleep_.notify_all();
  }

  // The next task of a share that ends before `end`, or -1.
  i64 claim(int thread, u64 job, i64 begin, i64 end) {
    std::atomic<u64>& word = shares_[static_cast<std::size_t>(thread)].word;
    u64 seen = word.load(std::memory_order_acquire);
    while (true) {
      const u64 age = (job - (seen >> task_bits)) % closed;  // 0: this job; the upper half: a newer one
      const i64 next = age == 0 ? static_cast<i64>(seen % most_tasks) : begin;
      if (next >= end || age >= closed / 2) return -1;
      if (word.compare_exchange_weak(seen, job << task_bits | static_cast<u64>(next + 1), std::memory_order_acq_rel))
        return next;
    }
  }

  // Works on the thread's own share, then helps the others; returns the number of tasks done.
  i64 work_on(const Job& job, int thread, std::atomic<i64>* count_in) {
    const i64 tasks = (job.n + job.grain - 1) / job.grain;
    i64 done = 0;
    for (int i = 0; i < threads_; ++i) {
      const int share = (thread + i) % threads_;
      const i64 begin = (tasks * share + threads_ - 1) / threads_,
                end = (tasks * (share + 1) + threads_ - 1) / threads_;
      for (i64 task; (task = claim(share, job.number, begin, end)) >= 0; ++done) {
        job.body(job.context, task * job.grain, std::min(job.n, (task + 1) * job.grain));
        if (count_in != nullptr) count_in->fetch_add(1, std::memory_order_acq_rel);
      }
    }
    return done;
  }

  void start() {
    started_ = true;
    callers_processor_.store(sched_getcpu(), std::memory_order_relaxed);
    for (int worker = 1; worker < threads_; ++worker) std::thread([this, worker] { work(worker); }).detach();
  }

  void work(int thread) {
    inside_task = true;
    leave(callers_processor_.load(std::memory_order_relaxed));
    for (u64 last = closed;;) {
      const Job job = {job_.load(std::memory_order_acquire), n_.load(std::memory_order_acquire),
                       grain_.load(std::memory_order_acquire), body_.load(std::memory_order_acquire),
                       context_.load(std::memory_order_acquire)};
      if (job.number != job_.load(std::memory_order_acquire)) continue;
      if (job.number != closed && job.number != last) {
        work_on(job, thread, &done_by_workers_);
        last = job.number;
      }
      wait_for_another(last);
    }
  }

  void wait_for_another(u64 last) {
    const auto other = [&] {
      const u64 job = job_.load(std::memory_order_acquire);
      return job != closed && job != last;
    };
    const auto deadline = Clock::now() + spin_time;
    while (Clock::now() < deadline)
      for (int i = 0; i < 64; ++i) {
        if (other()) return;
        pause();
      }
    {
      std::unique_lock lock(sleep_mutex_);
      sleepers_.fetch_add(1);
      if (!other()) sleep_.wait(lock);
      sleepers_.fetch_sub(1);
    }
    leave(callers_processor_.load(std::memory_order_relaxed));
  }

  const int threads_;
  bool started_ = false;
  i64 unattended_ns_ = 0;  // work done since a worker fell asleep; guarded by owner_, as `started_` and `last_job_` are
  u64 last_job_ = 0;
  std::mutex owner_;
  std::unique_ptr<Share[]> shares_;
  alignas(64) std::atomic<u64> job_{closed};  // on one cache line with what the workers read next
  std::atomic<i64> n_{0}, grain_{1};
  std::atomic<void (*)(const void*, i64, i64)> body_{nullptr};
  std::atomic<const void*> context_{nullptr};
  alignas(64) std::atomic<i64> done_by_workers_{0};
  alignas(64) std::atomic<int> sleepers_{0};
  std::atomic<int> callers_processor_{-1};
  std::mutex sleep_mutex_;
  std::condition_variable sleep_;
};

// 0: not set, or no number of threads.
int threads_from(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr || *text == '\0') return 0;
  char* end = nullptr;
  const long count = std::strtol(text, &end, 10);
  return *end == '\0' && count >= 1 ? static_cast<int>(std::min<long>(count, most_threads)) : 0;
}

int threads_allowed_by_cgroup() {  // cgroup v2: "quota period" or "max period"
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return most_threads;
  return std::max(1, static_cast<int>(std::atof(quota.c_str()) / period + 0.5));
}

int default_threads() {
  if (const int count = threads_from("LIKEWISE_NUM_THREADS")) return count;
  if (const int count = threads_from("OMP_NUM_THREADS")) return count;
  cpu_set_t set;
  CPU_ZERO(&set);
  const int affinity = sched_getaffinity(0, sizeof set, &set) == 0
                           ? CPU_COUNT(&set)
                           : static_cast<int>(std::thread::hardware_concurrency());
  return std::clamp(std::min(affinity, threads_allowed_by_cgroup()), 1, most_threads);
}

// One pool for each thread count that was asked for. Pools are never destroyed: their workers sleep until the process
// ends. A forked child has no workers, so it starts with new pools.
std::mutex creation;
Pool* pools[most_threads + 1] = {};
std::atomic<Pool*> current{nullptr};

void forget_parents_pools() {
  const Pool* parents = current.load();
  std::fill(std::begin(pools), std::end(pools), nullptr);
  inside_task = false;
  current.store(parents == nullptr ? nullptr : pools[parents->threads()] = new Pool(parents->threads()));
}

Pool& use_pool(int threads) {
  pool_survives_fork();
  std::lock_guard lock(creation);
  if (pools[threads] == nullptr) pools[threads] = new Pool(threads);
  current.store(pools[threads], std::memory_order_release);
  return *pools[threads];
}

Pool& pool() {
  Pool* existing = current.load(std::memory_order_acquire);
  return existing != nullptr ? *existing : use_pool(default_threads());
}

}  // namespace

void run_parallel(i64 n, i64 grain, i64 task_ns, void (*body)(const void*, i64, i64), const void* context) {
  if (inside_task) {
    for (i64 begin = 0; begin < n; begin += grain) body(context, begin, std::min(n, begin + grain));
    return;
  }
  pool().run(n, grain, task_ns, body, context);
}

void pool_survives_fork() {
  static const int registered = pthread_atfork([] { creation.lock(); }, [] { creation.unlock(); },
                                               [] { creation.unlock(), forget_parents_pools(); });
  (void)registered;
}

void check_thread_settings() {
  const char* text = std::getenv("LIKEWISE_NUM_THREADS");
  if (text != nullptr && *text != '\0' && threads_from("LIKEWISE_NUM_THREADS") == 0)
    throw std::runtime_error(concat("LIKEWISE_NUM_THREADS must be a number of threads, 1 or more, got ", text));
}

int num_threads() { return pool().threads(); }

void set_num_threads(int count) {
  expect(count >= 1 && count <= most_threads, "set_num_threads", "count must be in 1..", most_threads, ", got ", count);
  use_pool(count);
}

}  // namespace lw
