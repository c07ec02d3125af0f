// Scratch memory of the calling thread: a stack of blocks that grows to the largest need and is reused.
#pragma once

#include "cpp/core/types.h"

namespace lw {

struct ArenaMark {
  i64 block;
  i64 used;
};
ArenaMark arena_mark();
void* arena_allocate(i64 bytes);  // 64-byte aligned; valid until arena_release of an earlier mark
void arena_release(ArenaMark mark);

// Scratch scratch; float* rows = scratch.floats(n);  freed in reverse order at the end of the scope.
class Scratch {
 public:
  [[gnu::always_inline]] Scratch() : mark_(arena_mark()) {}
  [[gnu::always_inline]] ~Scratch() { arena_release(mark_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  template <typename T>
  [[gnu::always_inline]] T* get(i64 count) {
    return static_cast<T*>(arena_allocate(count * static_cast<i64>(sizeof(T))));
  }
  [[gnu::always_inline]] float* floats(i64 count) { return get<float>(count); }

 private:
  ArenaMark mark_;
};

}  // namespace lw
