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
//  1. An acknowledgement runs to its end in one owner, and clears request last (seq_cst), so a
//     handshake's completion is a full barrier between everything before and after it (rule 4 of
//     docs/protocol.md).
//  2. No safepoint lies between a barrier and its store (rule 5): safepoints are mallocgc,
//     safepoint(), blocking regions and detach, and what is said to be made of them (pieces.h).
//  3. A mutator allocates only from spans of its own sweep generation (mcache.h).
//
// A thread works with the mutator that it attached last, its current one, but for blocking regions:
// there it has none, so whatever needs one says so instead of racing with the collector. Which
// thread has which mutator is attachment.cc's.
//
// Thread rules: everything is for the owning thread, unless it says otherwise.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "gc/mutator/hot.h"
#include "gc/mutator/mcache.h"
#include "gc/mutator/roots.h"
#include "gc/mutator/shades.h"
#include "gc/pace/assist_allowance.h"
#include "gc/watch/thread_list.h"
#include "gc/watch/trace_events.h"
#include "gc/watch/watchdog.h"
#include "runtime/base/check.h"

namespace greyhound::gc {

class CollectorState;
class Marker;

// kClaimedAwaited: claimed, and the owner sleeps until it is released.
enum class MutatorState : uint32_t { kRunning, kBlocked, kClaimed, kClaimedAwaited };

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
  bool bound() const { return binding_.bound; }
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

  // How many blocking regions (hot.h) are open, and leaving those that a longjmp has jumped out of:
  // all but the outermost `depth`.
  unsigned blocking_depth() const { return blocking_depth_; }
  void after_longjmp(unsigned depth);

  // --- roots
  RootSet& roots() { return roots_; }
  void add_handle(HandleSlot* slot) { roots_.add(slot); }
  static void remove_handle(HandleSlot* slot) { RootSet::remove(slot); }
  void add_root_range(RootRange* range) { roots_.add(range); }
  static void remove_root_range(RootRange* range) { RootSet::remove(range); }
  // The thread's own stack comes with it; a further one is scanned from its saved_sp up.
  MutatorStacks& stacks() { return roots_.stacks; }
  // By number (MutatorStacks::add).
  size_t add_stack(uintptr_t base, uintptr_t low = 0) { return stacks().add(base, low); }
  void set_saved_sp(size_t stack, uintptr_t sp) { stacks().set_saved_sp(stack, sp); }
  GREYHOUND_INLINE void switch_stack(size_t stack, uintptr_t leaving_sp) {
    SavedRegisters registers;
    save_registers(&registers);
    stacks().switch_to(stack, leaving_sp, registers);
  }
  // Fatal when the caller's frame is not on the stack that the thread is said to run on: what that
  // stack holds would not be scanned. Of slow paths.
  GREYHOUND_INLINE void check_stack() {
    const auto frame = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
    if (!stacks().on_running(frame)) [[unlikely]]
      stacks().wrong_stack(frame);
  }

  // Its allocation cache.
  mcache& allocation() { return mcache_; }
  const mcache& allocation() const { return mcache_; }
  // What its stores have greyed.
  Shades& shades() { return shades_; }
  const Shades& shades() const { return shades_; }
  // Adds what was allocated and shaded since the last flush to the collector's counts.
  void flush_counts() {
    mcache_.flush_counts();
    shades_.flush_counts();
  }

  // --- for the collector, which owns the mutator when it calls these
  // False, and nothing done, when the request was taken back (a hold that was given up).
  bool acknowledge(Handshake handshake);
  // Shades every root of a mutator that goes away while marking.
  void shade_roots();
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
  Inside inside() const { return sight_.inside.load(std::memory_order_relaxed); }
  void set_inside(Inside inside) { sight_.inside.store(inside, std::memory_order_relaxed); }
  size_t stack_bytes_copied() const {
    return sight_.stack_bytes_copied.load(std::memory_order_relaxed);
  }
  pid_t tid() const { return sight_.tid.load(std::memory_order_relaxed); }
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

  // Marking that it owes for what it allocated while marking, and how it pays (gc/cycle/assist.h).
  struct {
    int64_t debt = 0;
    AssistAllowance allowance;
    std::unique_ptr<Marker> marker;
  } assist;
  Mutator* previous_on_thread = nullptr;
  uint32_t list_index = 0;  // in the world's list; under its lock
  // What the watchdog saw of it first, in which handshake, and when it speaks; under that lock,
  // too.
  struct Watched {
    uint64_t raised_at_ns = 0;
    uint64_t report_at_ns = 0;
    ThreadSight first;
  } watched;

 private:
  friend void enter_blocking(Mutator* mutator, const char* where);
  friend void leave_blocking(Mutator* mutator);
  friend bool may_change_roots_slow(const Mutator* owner, const char* what);
  friend class CollectorFork;
  friend class World;
  friend struct CheckmarkRoots;
  friend struct MutatorTesting;
  friend struct Stepping;

  // Which thread it is bound to.
  struct Binding {
    bool bound = false;
    bool detached = false;
    // Whose it is: from attach on, but while it is unbound. 0: nobody's. Relaxed: the forking
    // thread asks whether it is its own.
    std::atomic<pthread_t> owner{0};
    std::unique_ptr<ListedThread> thread;  // while bound
  };
  // What the watchdog may see of it; the owning thread's to write.
  struct Sight {
    std::atomic<Inside> inside{Inside::kProgram};
    std::atomic<size_t> stack_bytes_copied{0};
    std::atomic<pid_t> tid{0};
  };

  static void thread_ended(void*);
  [[noreturn]] void not_current(const char* what) const __attribute__((cold));
  Mutator* inner_on_thread() const;
  void leave_thread(Mutator* previous);
  void publish_blocked(const char* where);
  void take_from_blocked();
  void park();
  bool owned_elsewhere() const;
  void lose_thread();
  void trace_blocked(EventShape shape, const char* where) const;

  CollectorState* const gc_;
  TracedThread traced_;  // with its name
  const bool hybrid_;
  const bool checks_refs_;
  bool shading_ = false;
  bool barrier_broken_ = false;  // stepping: H1 does not switch its barrier on
  bool hold_answers_ = false;    // stepping: not answered for while blocked
  bool roots_scanned_ = false;   // in this cycle: with the hybrid barrier, once is enough
  bool held_for_fork_ = false;   // protected by the world's list lock
  std::atomic<MutatorState> state_{MutatorState::kBlocked};
  std::atomic<const char*> last_safepoint_{"attach"};
  uint64_t raised_at_ns_ = 0;
  std::atomic<uint64_t> runs_{0};  // the owning thread's to write
  // The owner's; only the outermost region blocks. One that is attached later is another region.
  unsigned blocking_depth_ = 0;
  Binding binding_;
  Sight sight_;
  mcache mcache_;
  Shades shades_;
  RootSet roots_;
};

// A random 64-bit number from the current mutator's generator (seeded by the runtime); for hash
// seeds and iteration order.
uint64_t fastrand();

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
