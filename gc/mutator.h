// SPDX-License-Identifier: MIT
// A mutator: one thread's side of the collector. It owns allocation runs, a buffer of shaded
// objects, its roots (stacks, handles, ranges), and answers handshakes at its safepoints or, while
// it is `blocking`, lets the collector answer for it.
//
// States (state_):
//   kRunning --enter_blocking--> kBlocked --CAS by the collector--> kClaimed --> kBlocked
//   kBlocked --CAS by leave_blocking--> kRunning      (waits while kClaimed)
// Whoever moved the state away from kBlocked owns every field below until it moves it back; while
// kRunning the owning thread does.
//
// Invariants:
//  1. An acknowledgement runs to its end in one owner, and clears request_ last (seq_cst), so a
//     handshake's completion is a full barrier between everything before and after it (rule 4).
//  2. No safepoint lies between a barrier and its store (rule 5): safepoints are mallocgc,
//     safepoint(), blocking regions and detach, and nothing else.
//  3. A mutator allocates only from spans of its own sweepgen_ (sweep.h).
//
// Thread rules: everything is for the owning thread, unless it says otherwise.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gc/assist_allowance.h"
#include "gc/event_ring.h"
#include "gc/layout.h"
#include "gc/mspan.h"
#include "gc/stats.h"
#include "gc/thread_list.h"
#include "gc/work_pool.h"

namespace greyhound::gc {

class Collector;
class Marker;
class Mutator;

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

// kClaimedAwaited: claimed, and the owner sleeps until it is released.
enum class MutatorState : uint32_t { kRunning, kBlocked, kClaimed, kClaimedAwaited };

// Contiguous free slots of one span, already zeroed and with their allocation bits set; allocation
// bumps through them.
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

// The part that fast paths touch. A constant initialised one stands for "no mutator", so that no
// fast path tests for it: its barrier is on and its runs are empty, and the slow paths say what is
// wrong.
struct MutatorHot {
  std::atomic<bool> barrier_on{true};
  std::atomic<Handshake> request{Handshake::kPark};
  Mutator* self = nullptr;
  uint64_t tiny_allocs = 0;
  AllocRun tiny;
  AllocRun noscan[kNumSizeClasses];
  TypeCacheEntry types[kTypeCacheSize];

  constexpr MutatorHot() = default;
};

// The calling thread's current mutator, or the one that stands for none. Initial-exec: a fast path
// reads it with one instruction.
extern constinit thread_local MutatorHot* tls_mutator __attribute__((tls_model("initial-exec")));

inline constexpr size_t kCalleeSaved = 6;  // rbx, rbp, r12-r15

// A stack that the mutator may run on. The collector scans from its saved stack pointer to its
// base.
struct StackRange {
  uintptr_t base = 0;      // the highest address, exclusive
  uintptr_t saved_sp = 0;  // while parked; 0: nothing on it is a root
};

// One precise root slot of a mutator; linked into its list while alive. See runtime/handle.h.
struct HandleSlot {
  HandleSlot* next = nullptr;
  HandleSlot* previous = nullptr;
  uintptr_t value = 0;
};

// A registered array of root words (a VM's value stack, an iterator); linked into its mutator's
// list while alive. `count` may change at any time by the owner.
struct RootRange {
  const uintptr_t* begin = nullptr;
  size_t count = 0;
  RootRange* next = nullptr;
  RootRange* previous = nullptr;
};

class Mutator : public MutatorHot {
 public:
  // Attaches to `collector` in its current phase, blocked and not yet bound to a thread.
  explicit Mutator(Collector* collector, std::string name);
  // Answers what is pending, gives everything back and detaches. REQUIRES: not bound, or bound
  // here.
  ~Mutator();
  Mutator(const Mutator&) = delete;
  Mutator& operator=(const Mutator&) = delete;

  // Binds to the calling thread and leaves blocking. The thread's previous mutator (of another
  // runtime) becomes blocked until unbind(). REQUIRES: not bound.
  void bind();
  void unbind();
  bool bound() const { return bound_; }

  // Answers a pending handshake. `where` names the place in watchdog reports; a string constant.
  GREYHOUND_INLINE void safepoint(const char* where = "safepoint") {
    if (request.load(std::memory_order_relaxed) != Handshake::kNone) [[unlikely]]
      answer_slow(where);
  }

  // From enter_blocking to leave_blocking the thread touches no heap object and may wait for as
  // long as it likes; the collector answers for it. Everything on the stack from the caller's frame
  // up, and what was in registers, stays a root; so both must be called from one function whose own
  // frame holds no pointer that it loads in between (Thread::blocking is such a one). Regions nest.
  void enter_blocking(const char* where);
  void leave_blocking();

  // --- roots
  void add_handle(HandleSlot* slot);
  static void remove_handle(HandleSlot* slot);
  void add_root_range(RootRange* range);
  // Also after the mutator is gone, which takes what is left off its list.
  static void remove_root_range(RootRange* range);
  // Stack 0 is the thread's own. A further one is a root from its saved_sp up.
  size_t add_stack(uintptr_t base);
  void set_saved_sp(size_t stack, uintptr_t sp);
  // Tells that the thread now runs on `stack`; the one it leaves keeps `leaving_sp`.
  void switch_stack(size_t stack, uintptr_t leaving_sp);

  // --- allocation, for malloc.cc and sweep
  // The run of a layout that owns spans.
  AllocRun* run_for(Layout* layout);
  AllocRun* shared_run(SizeClass size_class) { return &shared_[size_class]; }
  bool alloc_black() const { return alloc_black_; }
  uint32_t sweepgen() const { return sweepgen_; }
  // Notes what `run` handed out since it was last counted; cheap, for refills.
  void count_run(AllocRun* run);
  // Adds everything handed out since the last flush to the collector's counts.
  void flush_counts();
  void count_large(size_t bytes);
  // A map begins to move that many buckets.
  void count_map_growth(size_t old_buckets);
  uint64_t mallocs() const { return mallocs_.load(std::memory_order_relaxed); }
  uint64_t alloc_bytes() const { return alloc_bytes_.load(std::memory_order_relaxed); }

  // Stacks are roots as they are; else every root is a handle or a range.
  bool scans_stacks() const { return conservative_; }

  uint64_t next_random();
  // The highest address of the stack it runs on, exclusive.
  uintptr_t stack_end() const {
    return current_stack_ == 0 ? thread_stack_end_ : stacks_[current_stack_].base;
  }

  // Greys the object that `address` points into (barrier slow path).
  void shade(uintptr_t address, bool exact);

  // --- for the collector, which owns the mutator when it calls these
  void acknowledge(Handshake handshake);
  void collect_root_words();
  // Shades every root of a mutator that goes away while marking.
  void shade_root_words();
  // The hybrid barrier shades what a store overwrites, too.
  bool shades_old_values() const { return hybrid_; }
  std::vector<uintptr_t>& root_words() { return root_words_; }
  // How many of the root words, from the first, came from stacks and registers.
  size_t conservative_words() const { return conservative_words_; }
  // Both at once: an H3 that scans nothing (shades_old_values) leaves them as they are.
  void clear_root_words() {
    root_words_.clear();
    conservative_words_ = 0;
  }
  bool try_claim();
  void release_claim();
  MutatorState state() const { return state_.load(std::memory_order_seq_cst); }
  void raise(Handshake handshake, uint64_t now);

  // Notes a trace event; REQUIRES: the caller owns the mutator. To be called when tracing() only,
  // which is what a slow path asks first.
  bool tracing() const;
  void trace(Event event) const;
  // A span from `start_ns` until now.
  void trace_since(uint64_t start_ns, EventKind kind, uint64_t a = 0, uint64_t b = 0,
                   const char* text = nullptr) const;

  Collector* collector() const { return collector_; }
  const std::string& name() const { return name_; }
  const char* last_safepoint() const { return last_safepoint_.load(std::memory_order_relaxed); }

  // What a write to a map has dropped and may still read; roots where stacks are none
  // (maps/assign_inl.h).
  std::array<uintptr_t, 4> kept_by_write{};
  int64_t assist_debt = 0;  // marking work owed for what was allocated while marking
  AssistAllowance assist_allowance;
  uint64_t allocs_until_stress = 0;
  // Where the open tiny block ends, while tiny.end is put at its cursor so that the next tiny
  // object comes by the slow path as well; else 0.
  uintptr_t tiny_block_end = 0;
  bool sample_due = false;    // the object being allocated is for the heap profile
  uint64_t random_state = 0;  // next_random
  Mutator* previous_on_thread = nullptr;

 private:
  friend class World;
  friend struct MutatorTesting;
  friend struct Stepping;

  void answer_slow(const char* where);
  void leave_thread(Mutator* previous);
  void publish_blocked(const char* where);
  void take_from_blocked();
  void park();
  void spill_registers();
  void trace_blocked(EventShape shape, const char* where) const;
  void push_stack_words(uintptr_t low, uintptr_t high);
  void push_root_word(uintptr_t word);
  void donate_shades();
  void blacken_runs();
  void drop_runs(bool clear_tails);
  template <class Visit>
  void for_each_run(Visit visit);

  Collector* const collector_;
  const std::string name_;
  const bool conservative_;
  const bool hybrid_;
  std::atomic<MutatorState> state_{MutatorState::kBlocked};
  std::atomic<const char*> last_safepoint_{"attach"};
  bool bound_ = false;
  std::unique_ptr<ListedThread> thread_;  // while bound
  uintptr_t thread_stack_end_ = 0;        // where stack roots or a heap profile want it
  bool hold_answers_ = false;             // stepping: not answered for while blocked
  bool barrier_broken_ = false;           // stepping: H1 does not switch its barrier on
  bool alloc_black_ = false;
  bool roots_scanned_ = false;  // in this cycle: with the hybrid barrier, once is enough
  uint32_t sweepgen_ = 0;
  uint64_t raised_at_ns_ = 0;

  WorkBuffer* shades_ = nullptr;
  uint64_t barrier_hits_ = 0;  // since the last flush
  uint64_t barrier_shades_ = 0;
  std::atomic<uint64_t> mallocs_{0};
  std::atomic<uint64_t> alloc_bytes_{0};
  uint64_t flushed_tiny_ = 0;
  uint64_t counted_objects_ = 0;  // by count_run, since the last flush
  uint64_t counted_bytes_ = 0;

  std::vector<AllocRun*> by_layout_;  // by layout id; owned
  AllocRun shared_[kNumSizeClasses];

  uintptr_t saved_registers_[kCalleeSaved] = {};
  std::vector<uintptr_t> saved_frame_;  // of enter_blocking, while blocked
  std::vector<StackRange> stacks_;
  size_t current_stack_ = 0;
  HandleSlot handles_;  // list head
  RootRange ranges_;    // list head
  RootRange kept_range_{kept_by_write.data(), 4};
  std::vector<uintptr_t> root_words_;  // of the last H3; the collector resolves and clears them
  size_t conservative_words_ = 0;
  unsigned blocking_depth_ = 0;  // the owner's; only the outermost region blocks

 public:
  std::atomic<EventRing*> trace_ring{nullptr};  // the tracer's; null until there was a trace
  std::unique_ptr<Marker> assist_marker;
  uint32_t list_index = 0;  // in the world's list; under its lock
};

// The calling thread's mutator; fatal, with what to do, when there is none.
Mutator* current_mutator();
// The same, or null.
GREYHOUND_INLINE Mutator* current_mutator_or_null() { return tls_mutator->self; }

// A random 64-bit number from the current mutator's generator (seeded by the runtime); for hash
// seeds and iteration order.
uint64_t fastrand();

class BlockingScope {
 public:
  BlockingScope(Mutator* mutator, const char* where) : mutator_(mutator) {
    if (mutator_ != nullptr) mutator_->enter_blocking(where);
  }
  ~BlockingScope() {
    if (mutator_ != nullptr) mutator_->leave_blocking();
  }
  BlockingScope(const BlockingScope&) = delete;
  BlockingScope& operator=(const BlockingScope&) = delete;

 private:
  Mutator* mutator_;
};

}  // namespace greyhound::gc
