#include "cpp/core/arena.h"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <vector>

namespace lw {
namespace {

constexpr i64 alignment = 64;
constexpr i64 first_block = i64{1} << 20;
constexpr i64 most_kept = i64{64} << 20;  // larger blocks go back to the system once released

struct Block {
  std::byte* data;
  i64 size;
};

class Arena {
 public:
  ~Arena() {
    for (Block& block : blocks_) std::free(block.data);
  }

  ArenaMark mark() const { return {current_, used_}; }

  void* allocate(i64 bytes) {
    bytes = std::max<i64>(alignment, (bytes + alignment - 1) / alignment * alignment);
    while (current_ < static_cast<i64>(blocks_.size()) && used_ + bytes > blocks_[current_].size) {
      ++current_;
      used_ = 0;
    }
    if (current_ == static_cast<i64>(blocks_.size())) {
      const i64 size = std::max(bytes, blocks_.empty() ? first_block : std::min(2 * blocks_.back().size, most_kept));
      void* data = std::aligned_alloc(alignment, static_cast<std::size_t>(size));
      if (data == nullptr) throw std::bad_alloc();
      blocks_.push_back({static_cast<std::byte*>(data), size});
      used_ = 0;
    }
    void* result = blocks_[current_].data + used_;
    used_ += bytes;
    return result;
  }

  void release(ArenaMark mark) {
    current_ = mark.block;
    used_ = mark.used;
    const i64 first_unused = current_ + (used_ > 0 ? 1 : 0);
    while (static_cast<i64>(blocks_.size()) > first_unused && blocks_.back().size > most_kept) {
      std::free(blocks_.back().data);
      blocks_.pop_back();
    }
  }

 private:
  std::vector<Block> blocks_;
  i64 current_ = 0, used_ = 0;
};

thread_local Arena arena;

}  // namespace

ArenaMark arena_mark() { return arena.mark(); }
void* arena_allocate(i64 bytes) { return arena.allocate(bytes); }
void arena_release(ArenaMark mark) { arena.release(mark); }

}  // namespace lw
