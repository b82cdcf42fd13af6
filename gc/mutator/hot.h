// SPDX-License-Identifier: MIT
// What the inline fast paths touch of a mutator, and nothing else: allocation bumps through a run
// (gc/alloc/malloc_inl.h), a store looks whether the barrier is on (write_barrier.h), a poll
// whether a handshake waits.
//
// Thread rules: the thread whose current mutator it is.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "gc/heap/size_class.h"
#include "runtime/base/platform.h"
#include "runtime/base/type.h"

namespace greyhound::gc {

struct Layout;
class Mutator;
struct mspan;

enum class Handshake : uint32_t {
  kNone,
  kBarrierOn,   // H1
  kAllocBlack,  // H2
  kScanRoots,   // H3, once a round
  kBarrierOff,  // H4
  kAllocWhite,  // H5
  kPark,        // stop-the-world mode, escalation, checkmark: stay until released
};
const char* handshake_name(Handshake handshake);

// Contiguous free slots of one span; allocation bumps through them.
struct AllocRun {
  uintptr_t cur = 0;
  uintptr_t end = 0;
  uintptr_t start = 0;  // what has been handed out since the last flush of counts begins here
  uint32_t size = 0;    // slot size
  uint32_t next_slot : 31 = 0;   // where the search for the span's next run resumes
  uint32_t sample_next : 1 = 0;  // the first object of the next run is for the heap profile
  mspan* span = nullptr;
  Layout* layout = nullptr;  // null for a shared run
};

struct TypeCacheEntry {
  const Type* type = nullptr;
  AllocRun* run = nullptr;  // an always empty one for a layout that lives in shared spans
  Layout* layout = nullptr;
  uint32_t size_class = 0;
};
inline constexpr size_t kTypeCacheSize = 128;

// The part that the fast path touches. A constant-initialised one has empty runs only.
struct McacheHot {
  uint64_t tiny_allocs = 0;
  AllocRun tiny;
  AllocRun noscan[kNumSizeClasses];
  TypeCacheEntry types[kTypeCacheSize];
};

// The part that fast paths touch. A constant initialised one stands for "no mutator", so that no
// fast path tests for it: its barrier is on and its runs are empty, and the slow paths say what is
// wrong.
struct MutatorHot {
  std::atomic<bool> barrier_on{true};
  bool scans_stacks = true;  // its thread's stack needs no handles; of no mutator, no matter
  std::atomic<Handshake> request{Handshake::kPark};
  Mutator* self = nullptr;
  McacheHot cache;

  constexpr MutatorHot() = default;
};

// The calling thread's current mutator, or the one that stands for none. Initial-exec: a fast path
// reads it with one instruction.
extern constinit thread_local MutatorHot* tls_mutator __attribute__((tls_model("initial-exec")));
extern constinit MutatorHot no_mutator;
// The one that the thread attached last, current or inside a blocking region; null: none.
extern constinit thread_local Mutator* tls_attached __attribute__((tls_model("initial-exec")));

// The calling thread's mutator; fatal, with what to do, when there is none and inside a blocking
// region.
Mutator* current_mutator();
// The same, or null.
GREYHOUND_INLINE Mutator* current_mutator_or_null() { return tls_mutator->self; }

// Whether a handshake waits for the thread's answer; also true on a thread without a mutator.
GREYHOUND_INLINE bool safepoint_wanted() {
  return tls_mutator->request.load(std::memory_order_relaxed) != Handshake::kNone;
}
// Answers it. `where` names the place in watchdog reports; a string constant. Fatal, with what to
// do, on a thread without a mutator.
void safepoint_slow(const char* where);
GREYHOUND_INLINE void safepoint(const char* where) {
  if (safepoint_wanted()) [[unlikely]]
    safepoint_slow(where);
}

// From enter_blocking to leave_blocking the thread touches no heap object and may wait for as long
// as it likes; the collector answers for it. Everything on the stack from the caller's frame up, and
// what was in registers, stays a root; so both must be called from one function whose own frame
// holds no pointer that it loads in between (Thread::blocking is such a one). Regions nest.
void enter_blocking(Mutator* mutator, const char* where);
void leave_blocking(Mutator* mutator);

// A region in which a program's own code runs: it may throw, or be cancelled. Inlined in every
// build, as enter_blocking and leave_blocking are to be called from one function: the frame of a
// constructor, with what it saved of its caller's registers, is gone while the region lasts.
class BlockingRegion {
 public:
  GREYHOUND_INLINE BlockingRegion(Mutator* mutator, const char* where) : mutator_(mutator) {
    if (mutator_ != nullptr) enter_blocking(mutator_, where);
  }
  GREYHOUND_INLINE ~BlockingRegion() {
    if (mutator_ != nullptr) leave_blocking(mutator_);
  }
  BlockingRegion(const BlockingRegion&) = delete;
  BlockingRegion& operator=(const BlockingRegion&) = delete;

 private:
  Mutator* const mutator_;
};

}  // namespace greyhound::gc
