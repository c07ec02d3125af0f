#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "cpp/core/arena.h"
#include "cpp/core/array.h"
#include "cpp/core/parallel.h"
#include "cpp/core/random.h"
#include "tests/native/check.h"

using namespace lw;

TEST(philox_gives_the_published_vectors) {  // kat_vectors of Random123, philox4x32 10 rounds
  const Random4 zero = philox(0, 0, 0);
  CHECK(zero.word[0] == 0x6627e8d5 && zero.word[1] == 0xe169c58d && zero.word[2] == 0xbc57ac4c &&
        zero.word[3] == 0x9b00dbd8);
  const Random4 ones = philox(~u64{0}, ~u64{0}, ~u64{0});
  CHECK(ones.word[0] == 0x408f276d && ones.word[1] == 0x41c83b0e && ones.word[2] == 0xa20bc7c6 &&
        ones.word[3] == 0x6d5451fd);
}

static i64 visits_of(i64 n, i64 grain) {
  std::vector<std::atomic<int>> seen(static_cast<std::size_t>(n));
  parallel_for(n, grain, [&](i64 begin, i64 end) {
    for (i64 i = begin; i < end; ++i) seen[static_cast<std::size_t>(i)].fetch_add(1);
  });
  i64 once = 0;
  for (auto& count : seen) once += count.load() == 1;
  return once;
}

TEST(parallel_for_visits_every_index_once) {
  for (int threads : {1, 2, 4, 7}) {
    set_num_threads(threads);
    for (i64 n : {0, 1, 2, 63, 64, 1000, 100000})
      for (i64 grain : {1, 3, 64, 5000}) CHECK(visits_of(n, grain) == n);
  }
}

TEST(nested_and_concurrent_calls_run_to_their_end) {
  set_num_threads(4);
  std::atomic<i64> total{0};
  auto work = [&] {
    for (int repeat = 0; repeat < 50; ++repeat)
      parallel_for(64, 1, [&](i64 begin, i64 end) {
        for (i64 i = begin; i < end; ++i) parallel_for(10, 1, [&](i64 a, i64 b) { total += b - a; });
      });
  };
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) callers.emplace_back(work);
  for (auto& caller : callers) caller.join();
  CHECK(total == 4 * 50 * 64 * 10);
}

TEST(a_forked_child_has_a_pool_of_its_own) {
  set_num_threads(2);
  CHECK(visits_of(1000, 1) == 1000);
  for (int repeat = 0; repeat < 20; ++repeat) {
    const pid_t child = fork();
    if (child == 0) _exit(visits_of(1000, 1) == 1000 && num_threads() == 2 ? 0 : 1);
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
}

TEST(scratch_is_reused_and_aligned) {
  void* first = nullptr;
  for (int repeat = 0; repeat < 3; ++repeat) {
    Scratch scratch;
    float* block = scratch.floats(1000);
    CHECK(reinterpret_cast<std::uintptr_t>(block) % 64 == 0);
    if (repeat == 0) first = block;
    CHECK(block == first);
    Scratch inner;
    CHECK(inner.floats(10'000'000) != block);
  }
}

TEST(freed_arrays_are_used_again) {
  const float* before = empty({128, 64}).floats();
  CHECK(empty({128, 64}).floats() == before);
}
