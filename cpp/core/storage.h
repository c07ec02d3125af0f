// Memory of arrays: 64-byte aligned blocks from a caching allocator.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

#include "cpp/core/device.h"
#include "cpp/core/types.h"

namespace lw {

// How a block is filled once somebody looks at it.
class Deferred {
 public:
  virtual ~Deferred() = default;
  virtual void fill(std::byte* to) = 0;
};

// A block of memory with one owner count. `version` counts in-place writes: an array saved for backward remembers it.
// A borrowed block belongs to somebody else (a NumPy array given to an operation) and is valid for the call only. A
// deferred one takes its memory at the first look.
class Storage {
 public:
  Storage(i64 bytes, Device device);
  Storage(std::byte* borrowed, i64 bytes) : data_(borrowed), bytes_(bytes), device_(Device::cpu), borrowed_(true) {}
  Storage(i64 bytes, Device device, std::shared_ptr<Deferred> deferred)
      : bytes_(bytes), device_(device), waits_(true), deferred_(std::move(deferred)) {}
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  std::byte* data() const {
    if (waits_.load(std::memory_order_acquire)) fill();
    return data_;
  }
  i64 bytes() const { return bytes_; }
  Device device() const { return device_; }
  bool borrowed() const { return borrowed_; }
  u32 version() const { return version_.load(std::memory_order_relaxed); }
  void bump_version() { version_.fetch_add(1, std::memory_order_relaxed); }
  std::shared_ptr<Deferred> deferred() const;  // null if there is nothing left to do

 private:
  void fill() const;

  mutable std::byte* data_ = nullptr;
  i64 bytes_;
  Device device_;
  bool borrowed_ = false;
  std::atomic<u32> version_{0};
  mutable std::atomic<bool> waits_{false};
  mutable std::mutex filling_;
  mutable std::shared_ptr<Deferred> deferred_;
};

struct AllocatorStats {
  i64 bytes_in_use;  // held by arrays
  i64 bytes_cached;  // kept for reuse
  i64 peak_in_use;
};
// Lets a forked child allocate, whatever other threads were doing. Locks of who allocates are registered after it.
void allocator_survives_fork();
AllocatorStats allocator_stats();
void release_cached_memory();

}  // namespace lw
