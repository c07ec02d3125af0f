#include "cpp/core/storage.h"

#include <pthread.h>
#include <sys/mman.h>

#include <bit>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>
#include <vector>

#include "cpp/core/check.h"

namespace lw {
namespace {

constexpr i64 alignment = 64;
constexpr i64 largest_cached_block = i64{256} << 20;
constexpr i64 always_held = i64{256} << 20;
constexpr i64 huge_page = i64{2} << 20;

// Sizes are rounded to an eighth of their power of two, so that near-equal requests share blocks at <= 12.5 % waste.
i64 block_size(i64 bytes) {
  if (bytes <= alignment) return alignment;
  const i64 step = std::max<i64>(alignment, static_cast<i64>(std::bit_floor(static_cast<u64>(bytes))) / 8);
  return (bytes + step - 1) / step * step;
}

// Large blocks ask for huge pages: rows at random places of a table then miss the translation buffer far less often.
void* allocate_block(i64 size) {
  if (size < huge_page / 2) return std::aligned_alloc(alignment, static_cast<std::size_t>(size));
  void* block = std::aligned_alloc(huge_page, static_cast<std::size_t>((size + huge_page - 1) / huge_page * huge_page));
  if (block != nullptr) madvise(block, static_cast<std::size_t>(size), MADV_HUGEPAGE);
  return block;
}

// Released blocks are kept for the next request of their size, so that a training step finds the memory of the one
// before, without page faults. What is held altogether stays below five quarters of the most that was in use at once,
// or 256 MiB.
class CachingAllocator {
 public:
  std::byte* allocate(i64 bytes) {
    const i64 size = block_size(bytes);
    {
      std::lock_guard lock(mutex_);
      in_use_ += size;
      peak_ = std::max(peak_, in_use_);
      auto found = free_.find(size);
      if (found != free_.end() && !found->second.empty()) {
        std::byte* block = found->second.back();
        found->second.pop_back();
        cached_ -= size;
        return block;
      }
      while (cached_ > 0 && !room_for(0)) free_largest();
    }
    void* block = allocate_block(size);
    if (block == nullptr) {
      std::lock_guard lock(mutex_);
      in_use_ -= size;
      throw std::bad_alloc();
    }
    return static_cast<std::byte*>(block);
  }

  void release(std::byte* block, i64 bytes) {
    const i64 size = block_size(bytes);
    {
      std::lock_guard lock(mutex_);
      in_use_ -= size;
      if (size <= largest_cached_block && room_for(size)) {
        free_[size].push_back(block);
        cached_ += size;
        return;
      }
    }
    std::free(block);
  }

  void release_cached() {
    std::lock_guard lock(mutex_);
    while (cached_ > 0) free_largest();
  }

  AllocatorStats stats() {
    std::lock_guard lock(mutex_);
    return {in_use_, cached_, peak_};
  }

  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }

 private:
  bool room_for(i64 size) const { return in_use_ + cached_ + size <= std::max(peak_ + peak_ / 4, always_held); }
  void free_largest() {
    const auto largest = std::prev(free_.end());
    if (!largest->second.empty()) {
      std::free(largest->second.back());
      largest->second.pop_back();
      cached_ -= largest->first;
    }
    if (largest->second.empty()) free_.erase(largest);
  }

  std::mutex mutex_;
  std::map<i64, std::vector<std::byte*>> free_;
  i64 in_use_ = 0, cached_ = 0, peak_ = 0;
};

CachingAllocator& allocator() {
  static CachingAllocator* instance = new CachingAllocator;  // never destroyed: arrays may outlive static destructors
  return *instance;
}

}  // namespace

Storage::Storage(i64 bytes, Device device) : bytes_(bytes), device_(device) {
  expect(device == Device::cpu, "storage", "this build keeps arrays on the cpu only, got ", name_of(device));
  data_ = allocator().allocate(bytes);
}

Storage::~Storage() {
  if (!borrowed_ && data_ != nullptr) allocator().release(data_, bytes_);
}

void Storage::fill() const {
  const std::lock_guard lock(filling_);
  if (!waits_.load(std::memory_order_relaxed)) return;  // another thread was faster
  if (data_ == nullptr) data_ = allocator().allocate(bytes_);
  deferred_->fill(data_);
  deferred_.reset();
  waits_.store(false, std::memory_order_release);
}

std::shared_ptr<Deferred> Storage::deferred() const {
  const std::lock_guard lock(filling_);
  return deferred_;
}

void allocator_survives_fork() {
  pthread_atfork([] { allocator().lock(); }, [] { allocator().unlock(); }, [] { allocator().unlock(); });
}

AllocatorStats allocator_stats() { return allocator().stats(); }
void release_cached_memory() { allocator().release_cached(); }

}  // namespace lw
