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
//     handshake's completion is a full barrier between everything before and after it (rule 4 of
//     docs/protocol.md).
//  2. No safepoint lies between a barrier and its store (rule 5): safepoints are mallocgc,
//     safepoint(), blocking regions and detach, and what is said to be made of them (pieces.h).
//  3. A mutator allocates only from spans of its own sweepgen_ (sweep.h).
//
// A thread works with the mutator that it attached last, its current one, but for blocking regions:
// there it has none, so whatever needs one says so instead of racing with the collector. Which
// thread has which mutator is attachment.cc's, which stacks a mutator has stacks.cc's.
//
// Thread rules: everything is for the owning thread, unless it says otherwise.
#pragma once

#include <pthread.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gc/mark/work_pool.h"
#include "gc/memory/own_containers.h"
#include "gc/mutator/mcache.h"
#include "gc/mutator/stack_range.h"
#include "gc/pace/assist_allowance.h"
#include "gc/watch/stats.h"
#include "gc/watch/thread_list.h"
#include "gc/watch/trace_events.h"
#include "gc/watch/watchdog.h"
#include "runtime/base/check.h"

namespace greyhound::gc {

class Collector;
class CollectorState;
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

// The part that fast paths touch. A constant initialised one stands for "no mutator", so that no
// fast path tests for it: its barrier is on and its runs are empty, and the slow paths say what is
// wrong.
struct MutatorHot {
  std::atomic<bool> barrier_on{true};
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

// What the caller's callers have in registers. Inline assembly, because glibc's setjmp encrypts
// rbp. The caller-saved registers are dead or in the frames above. A callee-saved one is here
// unless the function this is inlined into has saved it to use it itself: then it lies in that
// function's frame, which must therefore be scanned or copied too.
GREYHOUND_INLINE void save_registers(SavedRegisters* registers) {
  uintptr_t* out = registers->data();
  asm volatile(
      "movq %%rbx, 0(%0)\n\tmovq %%rbp, 8(%0)\n\tmovq %%r12, 16(%0)\n\t"
      "movq %%r13, 24(%0)\n\tmovq %%r14, 32(%0)\n\tmovq %%r15, 40(%0)"
      :
      : "r"(out)
      : "memory");
}
GREYHOUND_INLINE uintptr_t stack_pointer() {
  uintptr_t sp;
  asm volatile("movq %%rsp, %0" : "=r"(sp));
  return sp;
}

// One precise root slot of a mutator; linked into its list while alive. See runtime/handle.h. When
// the mutator goes first, the slot is null and linked to itself, and its owner is null.
struct HandleSlot {
  HandleSlot* next = nullptr;
  HandleSlot* previous = nullptr;
  uintptr_t value = 0;
  Mutator* owner = nullptr;
};

// A registered array of root words (a VM's value stack, an iterator); linked into its mutator's
// list while alive. `count` may change at any time by the owner, which is null once the mutator is
// gone. Its words mean the object that they point into, unless it is ambiguous: then they count as
// a stack's do (root_resolver.h).
struct RootRange {
  const uintptr_t* begin = nullptr;
  size_t count = 0;
  bool ambiguous = false;
  Mutator* owner = nullptr;
  RootRange* next = nullptr;
  RootRange* previous = nullptr;
};

class Mutator : public MutatorHot {
 public:
  // Attaches to `collector` in its current phase, blocked and not yet bound to a thread.
  explicit Mutator(CollectorState* collector, std::string name);
  // Detaches, unless that is done. REQUIRES: detaches_here().
  ~Mutator();
  Mutator(const Mutator&) = delete;
  Mutator& operator=(const Mutator&) = delete;

  // Binds to the calling thread and leaves blocking. The thread's previous mutator (of another
  // runtime) becomes blocked until unbind(). REQUIRES: not bound.
  void bind();
  void unbind();
  bool bound() const { return bound_; }
  // Answers what is pending, gives everything back and leaves the collector and the thread: handles
  // and ranges of this mutator are null and nobody's from now on, its stacks the collector's. Only
  // the destructor may be called afterwards. A thread that ends attached detaches so.
  void detach();
  // Whether detach() may be called here: not on another thread than the one it is bound to, nor
  // inside its own blocking region.
  bool detaches_here() const;

  // Answers a pending handshake. `where` names the place in watchdog reports; a string constant.
  GREYHOUND_INLINE void safepoint(const char* where = "safepoint") {
    GREYHOUND_DCHECK(tls_mutator == this);
    if (request.load(std::memory_order_relaxed) != Handshake::kNone) [[unlikely]]
      answer_slow(where);
  }
  // The rest of it. Fatal when this is not the thread's current mutator.
  void answer_slow(const char* where);

  // From enter_blocking to leave_blocking the thread touches no heap object and may wait for as
  // long as it likes; the collector answers for it. Everything on the stack from the caller's frame
  // up, and what was in registers, stays a root; so both must be called from one function whose own
  // frame holds no pointer that it loads in between (Thread::blocking is such a one). Regions nest.
  void enter_blocking(const char* where);
  void leave_blocking();
  // How many regions are open, and leaving those that a longjmp has jumped out of: all but the
  // outermost `depth`.
  unsigned blocking_depth() const { return blocking_depth_; }
  void after_longjmp(unsigned depth);

  // --- roots
  void add_handle(HandleSlot* slot);
  static void remove_handle(HandleSlot* slot);
  void add_root_range(RootRange* range);
  static void remove_root_range(RootRange* range);
  // Whether a handle or range of `owner` may be changed: no when its mutator is gone. Fatal on
  // another thread than the owner's and while the owner is not current.
  GREYHOUND_INLINE static bool may_change_roots_of(const Mutator* owner, const char* what) {
    return owner == tls_mutator || may_change_slow(owner, what);
  }

  // --- stacks. The thread's own comes with it; a further one is scanned from its saved_sp up. With
  // precise roots only what add_stack and switch_stack are told is scanned.
  // Makes a stack that is nobody's, or in the collector's list, this mutator's.
  void own_stack(StackRange* stack);
  void adopt_stack(StackRange* stack);
  // Hands a parked one to the collector, for other mutators to adopt; or forgets it.
  void release_stack(StackRange* stack);
  void drop_stack(StackRange* stack);
  // Tells that the thread leaves its stack, of which everything from `sp` up stays a root, and what
  // is in the registers, for `to`, or when that is null, for one that says so when it is arrived
  // at. Gives what it left.
  StackRange* leave_stack(uintptr_t sp, const SavedRegisters& registers, StackRange* to);
  void arrive_on(StackRange* stack);
  bool runs_on(const StackRange* stack) const { return stack_ == stack; }
  // The same by number, for who has the stack pointers at hand. Stack 0 is the thread's own; `low`
  // is 0 where it is not known.
  size_t add_stack(uintptr_t base, uintptr_t low = 0);
  void set_saved_sp(size_t stack, uintptr_t sp);
  GREYHOUND_INLINE void switch_stack(size_t stack, uintptr_t leaving_sp) {
    SavedRegisters registers;
    save_registers(&registers);
    switch_stack(stack, leaving_sp, registers);
  }
  // Fatal when the caller's frame is not on the stack that the thread is said to run on: what that
  // stack holds would not be scanned. Of slow paths.
  GREYHOUND_INLINE void check_stack() {
    const auto frame = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
    if (!stack_->contains(frame)) [[unlikely]]
      wrong_stack(frame);
  }
  // Conservative roots: stacks are scanned.
  bool scans_stacks() const { return conservative_; }

  // Its allocation cache.
  mcache& allocation() { return mcache_; }
  const mcache& allocation() const { return mcache_; }
  // Adds what was allocated and shaded since the last flush to the collector's counts.
  void flush_counts();

  // The highest address of the stack it runs on, exclusive.
  uintptr_t stack_end() const { return stack_ == &own_stack_ ? thread_stack_end_ : stack_->base; }

  // Greys the object that `address` points into (barrier slow path).
  void shade(uintptr_t address, bool exact);

  // --- for the collector, which owns the mutator when it calls these
  // False, and nothing done, when the request was taken back (a hold that was given up).
  bool acknowledge(Handshake handshake);
  void collect_root_words();
  // Shades every root of a mutator that goes away while marking.
  void shade_root_words();
  // What is stored is shaded, in fact: the fast paths' barrier_on is set as well where stores are
  // checked instead.
  bool shading() const { return shading_; }
  void set_shading(bool on) {
    shading_ = on;
    barrier_on.store(on || checks_refs_, std::memory_order_relaxed);
  }
  bool checks_refs() const { return checks_refs_; }
  // The hybrid barrier shades what a store overwrites, too.
  bool shades_old_values() const { return hybrid_; }
  RootWords& root_words() { return root_words_; }
  // How many of the root words, from the first, are ambiguous: from stacks, registers and ranges
  // that say so.
  size_t conservative_words() const { return conservative_words_; }
  // Both at once: an H3 that scans nothing (shades_old_values) leaves them as they are.
  void clear_root_words() {
    scanned_words_ = root_words_.size();
    root_words_.clear();
    conservative_words_ = 0;
  }
  // How many there were before they were cleared.
  size_t scanned_words() const { return scanned_words_; }
  bool try_claim();
  void release_claim();
  MutatorState state() const { return state_.load(std::memory_order_seq_cst); }
  void raise(Handshake handshake, uint64_t now);
  // How often it left a blocking region; any thread. Relaxed: who sees it blocked sees, by its
  // state, what it counted before.
  uint64_t runs() const { return runs_.load(std::memory_order_relaxed); }
  // For the watchdog, from any thread (relaxed: a look, that may be late): inside an
  // acknowledgement on its own thread, how much stack that copies, and the thread that it is bound
  // to, 0 for none.
  Inside inside() const { return inside_.load(std::memory_order_relaxed); }
  void set_inside(Inside inside) { inside_.store(inside, std::memory_order_relaxed); }
  size_t stack_bytes_copied() const { return stack_bytes_copied_.load(std::memory_order_relaxed); }
  pid_t tid() const { return tid_.load(std::memory_order_relaxed); }
  // Of the handshake asked for last; under the world's lock.
  uint64_t raised_at_ns() const { return raised_at_ns_; }

  // Notes a trace event; REQUIRES: the caller owns the mutator. To be called when tracing() only,
  // which is what a slow path asks first.
  bool tracing() const;
  void trace(Event event) const;
  // A span from `start_ns` until now.
  void trace_since(uint64_t start_ns, EventKind kind, uint64_t a = 0, uint64_t b = 0,
                   const char* text = nullptr) const;

  // Finalizers and cleanups that the thread is running; the reference processor counts them under
  // its lock.
  unsigned running_calls = 0;
  // A large object's span that the thread is clearing, which nobody else knows of.
  mspan* clearing = nullptr;

  CollectorState* collector() const { return gc_; }
  const std::string& name() const { return traced_.name; }
  TracedThread* traced() { return &traced_; }
  const char* last_safepoint() const { return last_safepoint_.load(std::memory_order_relaxed); }

  // What a write to a map has dropped and may still read; roots where stacks are none
  // (maps/assign_inl.h).
  std::array<uintptr_t, 4> kept_by_write{};
  int64_t assist_debt = 0;  // marking work owed for what was allocated while marking
  AssistAllowance assist_allowance;
  Mutator* previous_on_thread = nullptr;

 private:
  friend struct CheckmarkRoots;
  friend class CollectorFork;
  friend class World;
  friend struct MutatorTesting;
  friend struct Stepping;

  static void thread_ended(void*);
  static bool may_change_slow(const Mutator* owner, const char* what);
  [[noreturn]] void not_current(const char* what) const __attribute__((cold));
  void wrong_stack(uintptr_t address) __attribute__((cold));
  StackRange* numbered(size_t stack);
  void switch_stack(size_t stack, uintptr_t leaving_sp, const SavedRegisters& registers);
  void release_stacks();
  void forget_roots();
  Mutator* inner_on_thread() const;
  void leave_thread(Mutator* previous);
  void publish_blocked(const char* where);
  void take_from_blocked();
  void park();
  bool owned_elsewhere() const;
  void lose_thread();
  GREYHOUND_INLINE void spill_registers() { save_registers(&saved_registers_); }
  void trace_blocked(EventShape shape, const char* where) const;
  void push_ambiguous_words(const uintptr_t* words, size_t count);
  void push_exact_words(const uintptr_t* words, size_t count);
  void shade_object(uintptr_t object);
  void donate_shades();

  CollectorState* const gc_;
  TracedThread traced_;  // with its name
  const bool conservative_;
  const bool hybrid_;
  const bool checks_refs_;
  bool shading_ = false;
  std::atomic<MutatorState> state_{MutatorState::kBlocked};
  std::atomic<const char*> last_safepoint_{"attach"};
  bool bound_ = false;
  bool detached_ = false;
  // Whose it is: from attach on, but while it is unbound. 0: nobody's. Relaxed: the forking thread
  // asks whether it is its own.
  std::atomic<pthread_t> owner_{0};
  bool held_for_fork_ = false;            // protected by the world's list lock
  std::unique_ptr<ListedThread> thread_;  // while bound
  uintptr_t thread_stack_end_ = 0;        // where stack roots or a heap profile want it
  bool hold_answers_ = false;             // stepping: not answered for while blocked
  bool barrier_broken_ = false;           // stepping: H1 does not switch its barrier on
  bool roots_scanned_ = false;            // in this cycle: with the hybrid barrier, once is enough
  uint64_t raised_at_ns_ = 0;
  std::atomic<uint64_t> runs_{0};  // the owning thread's to write, and the next three
  std::atomic<Inside> inside_{Inside::kProgram};
  std::atomic<size_t> stack_bytes_copied_{0};
  std::atomic<pid_t> tid_{0};

  mcache mcache_;
  WorkBuffer* shades_ = nullptr;
  uint64_t barrier_hits_ = 0;  // since the last flush
  uint64_t barrier_shades_ = 0;

  SavedRegisters saved_registers_{};
  RootWords saved_frame_;  // of enter_blocking, while blocked
  StackRange own_stack_;
  StackRange between_{.low = 1, .base = 1};            // left one stack, not yet on another
  StackRange* stack_ = &own_stack_;                    // the one it runs on
  StackList stacks_;                                   // own_stack_ too
  std::vector<std::unique_ptr<StackRange>> numbered_;  // those of add_stack, from number 1
  HandleSlot handles_;                                 // list head
  RootRange ranges_;                                   // list head
  RootRange kept_range_{kept_by_write.data(), 4};
  RootWords root_words_;  // of the last H3; the collector resolves and clears them
  size_t conservative_words_ = 0;
  size_t scanned_words_ = 0;
  // The owner's; only the outermost region blocks. One that is attached later is another region.
  unsigned blocking_depth_ = 0;

 public:
  std::unique_ptr<Marker> assist_marker;
  uint32_t list_index = 0;  // in the world's list; under its lock
  // What the watchdog saw of it first, in which handshake, and when it speaks; under that lock,
  // too.
  struct Watched {
    uint64_t raised_at_ns = 0;
    uint64_t report_at_ns = 0;
    ThreadSight first;
  } watched;
};

// The calling thread's mutator; fatal, with what to do, when there is none and inside a blocking
// region.
Mutator* current_mutator();
// The same, or null.
GREYHOUND_INLINE Mutator* current_mutator_or_null() { return tls_mutator->self; }

// A random 64-bit number from the current mutator's generator (seeded by the runtime); for hash
// seeds and iteration order.
uint64_t fastrand();

// A region in which a program's own code runs: it may throw, or be cancelled. Inlined in every
// build, as enter_blocking and leave_blocking are to be called from one function: the frame of a
// constructor, with what it saved of its caller's registers, is gone while the region lasts.
class BlockingRegion {
 public:
  GREYHOUND_INLINE BlockingRegion(Mutator* mutator, const char* where) : mutator_(mutator) {
    if (mutator_ != nullptr) mutator_->enter_blocking(where);
  }
  GREYHOUND_INLINE ~BlockingRegion() {
    if (mutator_ != nullptr) mutator_->leave_blocking();
  }
  BlockingRegion(const BlockingRegion&) = delete;
  BlockingRegion& operator=(const BlockingRegion&) = delete;

 private:
  Mutator* const mutator_;
};

// While one lives, the thread cannot be cancelled: the waits of the C++ library do not unwind, and
// neither do the layers that are built without exceptions.
class NoCancellation {
 public:
  NoCancellation();
  ~NoCancellation();
  NoCancellation(const NoCancellation&) = delete;
  NoCancellation& operator=(const NoCancellation&) = delete;

 private:
  int before_ = 0;
};

// A region in which the runtime itself waits, of `mutator` unless that is null.
class BlockingScope {
 public:
  GREYHOUND_INLINE BlockingScope(Mutator* mutator, const char* where) : region_(mutator, where) {}
  GREYHOUND_INLINE ~BlockingScope() = default;

 private:
  const NoCancellation no_cancellation_;  // outlives the region, whose end may wait as well
  const BlockingRegion region_;
};

}  // namespace greyhound::gc
