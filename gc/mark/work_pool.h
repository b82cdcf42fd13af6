// SPDX-License-Identifier: MIT
// Grey work shared between markers, assists and mutators: a list of buffers of entries, and the
// count of markers that hold work of their own. As Go's work.full/work.empty, with one lock instead
// of two lock-free stacks: it is taken once per buffer of entries, and it makes "no buffer is
// queued and no marker is active" one consistent observation, which the judgement of quiet needs
// (rule 2 of docs/protocol.md).
//
// Invariants:
//  1. active_ counts markers between their first get() and their last finish(); get() raises it
//     under the same lock that takes the buffer (rule 7: an assist is a marker in this sense).
//  2. A marker calls finish() only with every entry it held either scanned or put back.
//
// Thread rules: every member may be called from any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "gc/memory/system_pages.h"
#include "runtime/base/platform.h"

namespace greyhound::gc {

// What lies in a work buffer: a granule-aligned heap address and how to treat it, in one word.
class MarkEntry {
 public:
  enum Kind : uintptr_t {
    kExact = 0,     // an object's base, mark not yet tested
    kInterior = 1,  // anywhere inside an allocated object
    kOblet = 4,     // part of a marked large object: scan from here
    kGrey = 8,      // an object's base, already marked, not yet scanned
  };

  MarkEntry() = default;  // of a buffer, uninitialised
  // REQUIRES: `address` is aligned to a granule.
  static MarkEntry at(uintptr_t address, Kind kind) { return MarkEntry(address | kind); }
  // For the granule that `word` points into.
  static MarkEntry of(uintptr_t word, Kind kind) { return MarkEntry((word & ~kKinds) | kind); }

  // None at all, which explicit bool tells from all others.
  static MarkEntry none() { return MarkEntry(0); }
  explicit operator bool() const { return bits_ != 0; }

  uintptr_t address() const { return bits_ & ~kKinds; }
  bool is(Kind kind) const { return kind == kExact ? (bits_ & kKinds) == 0 : (bits_ & kind) != 0; }
  friend bool operator==(MarkEntry a, MarkEntry b) { return a.bits_ == b.bits_; }

 private:
  static constexpr uintptr_t kKinds = 15;
  explicit MarkEntry(uintptr_t bits) : bits_(bits) {}

  uintptr_t bits_;
};

struct WorkBuffer {
  static constexpr size_t kCapacity = 510;
  WorkBuffer* next = nullptr;
  size_t count = 0;
  MarkEntry entries[kCapacity];

  bool full() const { return count == kCapacity; }
  bool empty() const { return count == 0; }
};
static_assert(sizeof(WorkBuffer) == kSystemPage);

class WorkPool {
 public:
  // Its buffers are `pages`, and when these are all taken plain metadata.
  explicit WorkPool(SystemPages* pages) : pages_(pages) {}
  ~WorkPool();
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  // An empty buffer; never null.
  WorkBuffer* get_empty();
  void put_empty(WorkBuffer* buffer);

  // Queues a non-empty buffer and wakes a waiting marker.
  void put(WorkBuffer* buffer);

  // A queued buffer, or null at once. Raises the active count when `becomes_active` and a buffer
  // was found.
  WorkBuffer* try_get(bool becomes_active);

  // For an active marker that has nothing left: gives a buffer (still active), or null (no longer
  // active) once no marker is active and nothing is queued.
  WorkBuffer* get_or_finish();
  // For a marker that stops early; REQUIRES that it has put back what it held.
  void finish();
  // Makes this marker active without work (the coordinator at the start of a drain).
  void become_active();

  // True when nothing is queued and no marker is active, as one observation.
  bool quiet();
  bool has_work() const { return queued_.load(std::memory_order_relaxed) != 0; }
  // Somebody wants work: a marker waits, or an assist found nothing queued. A marker with plenty
  // shares then. Relaxed: a hint.
  bool hungry() const {
    return waiting_.load(std::memory_order_relaxed) != 0 || asked_.load(std::memory_order_relaxed);
  }
  // By an assist that found nothing: the next marker that has plenty puts some in the pool.
  void ask_to_share() { asked_.store(true, std::memory_order_relaxed); }

  // Which way near objects go (near_choice.h), as the last marker found that tried. Relaxed: a
  // hint.
  bool follow_near() const { return follow_near_.load(std::memory_order_relaxed); }
  void set_follow_near(bool follow) { follow_near_.store(follow, std::memory_order_relaxed); }

  // Frees the empty buffers beyond a few; returns the bytes held by all buffers before that.
  void trim();
  size_t bytes() const { return buffers_.load(std::memory_order_relaxed) * sizeof(WorkBuffer); }

 private:
  friend class CollectorFork;
  friend struct Stepping;
  void free_list(WorkBuffer* list);

  SystemPages* const pages_;
  std::mutex mutex_;
  std::condition_variable changed_;
  WorkBuffer* full_ = nullptr;      // protected by mutex_
  WorkBuffer* empty_ = nullptr;     // protected by mutex_
  size_t active_ = 0;               // protected by mutex_
  std::atomic<size_t> queued_{0};   // length of full_; written under mutex_
  std::atomic<size_t> waiting_{0};  // written under mutex_
  std::atomic<bool> asked_{false};
  std::atomic<bool> follow_near_{true};
  std::atomic<size_t> buffers_{0};
};

}  // namespace greyhound::gc
