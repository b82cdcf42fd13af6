// SPDX-License-Identifier: MIT
// What an embedder includes (through runtime/greyhound.h): a Runtime owns a heap and its collector,
// a Thread attaches the calling thread to it. Twenty lines make a program:
//
//   struct Node { Ref<Node> next; int64_t value; };
//   runtime::Runtime rt;
//   runtime::Thread thread(rt);
//   Node* list = nullptr;
//   for (int64_t i = 0; i < 1000000; ++i) list = thread.make<Node>(list, i);
//   rt.collect();
//
// Raw pointers on the stack keep objects alive, also from inside, and arrays from one past the end
// or a step of a loop away (docs/embedding.md, "Pointers on the stack"); objects do not move. Not
// roots, and so a way to lose an object: pointers in malloc'ed containers (std::vector<Node*>), in
// globals, and in the arguments of a thread that has not attached yet. Use Handle, Persistent or
// RootArray for those. The stacks of coroutines are roots once they are registered, the frames of
// C++20 coroutines by their promise type (runtime/stack.h). References pass between threads through
// Ref fields of managed objects or through a Persistent; while attached to two runtimes, pointers
// into the one that is not current need a Handle.
//
// docs/embedding.md has the rules, each with the test that holds it.
//
// The heap's memory is mimalloc's, loaded apart (gc/memory/os_memory.h): the program keeps its own
// malloc and operator new.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "gc/alloc/malloc_inl.h"
#include "gc/mutator/ref.h"
#include "gc/mutator/root_slots.h"
#include "gc/options.h"
#include "gc/watch/stats.h"
#include "runtime/base/check.h"
#include "runtime/out_of_memory.h"

namespace greyhound::gc {
class Collector;
class PersistentRoots;
struct MarkTimes;     // gc/watch/mprof.h
struct MemRecord;     // gc/watch/mprof.h
struct Trace;         // gc/watch/trace_events.h
struct TraceOptions;  // gc/watch/trace_events.h
struct WaitRecord;    // gc/watch/wait_profile.h
}  // namespace greyhound::gc

namespace greyhound::runtime {

class FinalizerThread;

// Of this library, as in "0.1.0".
const char* version();

using gc::Mode;
using gc::Options;
using gc::StackRoots;

// What a Go panic is in C++: thrown by the runtime's panic handler on attached threads.
class Panic : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Runtime {
 public:
  // Throws OutOfMemory, a std::bad_alloc, when no address space for a heap can be had, and
  // std::system_error when no thread for the collector can be (a limit on processes or address
  // space); nothing of it is left then. Environment variables apply where `options` was left at its
  // defaults (GREYHOUND_GC, GREYHOUND_MEMLIMIT, GREYHOUND_DEBUG), and what they contain that is not
  // understood is reported (Options::log) and left out of account, unless use_environment is false.
  explicit Runtime(Options options = {});
  // Fatal while a thread is attached, unless exit() runs: then the runtime stays as it is, for
  // threads that run on, until the process is gone. May run on any thread.
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // A full collection: returns when everything that was garbage at the call has been swept.
  void collect();
  gc::GcStats stats();

  // As GOGC (negative: off) and GOMEMLIMIT (0: none); each returns the previous value. Any thread.
  int64_t set_gc_percent(int64_t percent);
  uint64_t set_memory_limit(uint64_t bytes);
  // Returns free heap pages to the system; returns the bytes. Any thread.
  size_t return_memory();

  // When nothing but objects with finalizers reaches `object`, a later collection has it finalized:
  // `finalizer` is called once with it, on the finalizer thread, and may bring it back by storing
  // it somewhere. An object is finalized before the objects it refers to; one that can reach itself
  // never is, and nothing is at the end of the runtime. A second finalizer replaces the first, an
  // empty one removes it. Prefer add_cleanup, which has none of these surprises. As Go's
  // SetFinalizer. `object` must be what make() gave; on an attached thread of this runtime; a
  // safepoint. An object without pointers and of less than 16 B shares a block with others, and is
  // finalized when none of them is reachable any more, as in Go. What the function captures is not
  // looked at by the collector: docs/embedding.md says what to capture.
  template <class T>
  void set_finalizer(T* object, std::function<void(T*)> finalizer) {
    constexpr bool kTiny = is_tiny<T>();
    if (!finalizer) return set_finalizer_untyped(object, {}, kTiny);
    set_finalizer_untyped(
        object, [call = std::move(finalizer)](void* dead) { call(static_cast<T*>(dead)); }, kTiny);
  }
  // Has `cleanup` called once on the finalizer thread some time after `object` has died (after its
  // finalizer, if it has one and did not bring it back). It must not hold a pointer to the object
  // in any way that keeps it alive. An object may have several, in any order. One that shares its
  // block (set_finalizer) dies with the block. As Go's AddCleanup. Neither may throw: that is
  // fatal. Returns a number for cancel_cleanup. On an attached thread of this runtime; a safepoint.
  uint64_t add_cleanup(const void* object, std::function<void()> cleanup);
  // False when the cleanup is due or has run.
  bool cancel_cleanup(uint64_t id);
  // Returns when all finalizers and cleanups that are due have run: on their thread, or with
  // Options::finalizer_thread off (as always in stepping mode) or without a thread to be had here.
  // Called from one of them, it runs the rest. On an attached thread of this runtime; a safepoint.
  void run_finalizers();

  // What was allocated where since the runtime was made, and of it, what the last collection found
  // dead; nothing unless Options::mem_profile_rate is set. Any thread.
  std::vector<gc::MemRecord> heap_profile();

  // Of marking and assists, what heap_profile() charges to no site (gc/watch/mprof.h). Any thread.
  gc::MarkTimes uncharged_marking() const;

  // As Go's SetBlockProfileRate, for the waits that the runtime itself makes
  // (gc/watch/wait_profile.h): one is recorded for every so many nanoseconds waited; 1: every one,
  // 0: none, the default. Any thread.
  void set_wait_profile_rate(uint64_t ns);
  // What was recorded since the runtime was made. Any thread.
  std::vector<gc::WaitRecord> wait_profile();

  // Has every thread note what it does for the collector (gc/watch/trace_events.h), until
  // trace_stop() returns what was noted: the latest events of each thread. trace::to_json of
  // runtime/watch/trace makes a file for Perfetto of it. Costs some 100 ns an event; off, nothing.
  // False when it is on already. Any thread.
  bool trace_start();
  bool trace_start(const gc::TraceOptions& options);
  gc::Trace trace_stop();
  bool tracing() const;

  gc::Collector& collector() { return *collector_; }
  // For Persistents.
  gc::PersistentRoots* persistents() const;

 private:
  // Whether such objects may share a 16 B block, as mallocgc has it.
  template <class T>
  static constexpr bool is_tiny() {
    if constexpr (std::is_void_v<T>) {
      return false;
    } else {
      return sizeof(T) < gc::kGranule && type_of<T>()->noscan();
    }
  }
  void set_finalizer_untyped(void* object, std::function<void(void*)> finalizer, bool tiny);
  void require_current(const char* function);

  // Owned, and left alone where exit() destroys a static Runtime while threads run on.
  gc::Collector* collector_ = nullptr;
  FinalizerThread* finalizer_thread_ = nullptr;  // null: not wanted
};

// Fills in `options` from the environment; returns one sentence per thing that was not understood.
// A command shows them and does not run. Then the limit of the process's control group, where that
// is asked for and there is no other; `root` is cgroup_limits'.
std::vector<std::string> apply_environment(Options* options);
void apply_cgroup(Options* options, const char* root = "");

// Attaches the calling thread to a runtime from construction to destruction. A thread attaches once
// to a runtime; attached to several, it works with the one it attached to last. A thread that ends
// detaches, if its Thread still lives (leaked, say), after its thread_local objects are gone.
class Thread {
 public:
  explicit Thread(Runtime& runtime, std::string name = "mutator");
  // On the thread that made it, in any order with the thread's others, not inside blocking().
  ~Thread();
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  // A new T, as T{arguments...} makes it: fields from `arguments`, default member initialisers and
  // constructors for what they leave out. Throws OutOfMemory, a std::bad_alloc, when the heap limit
  // is reached; what a constructor throws passes through, and the object is garbage. A safepoint.
  // Like try_make and make_array it works with the calling thread's current mutator, whatever
  // Thread it is called by, so a finalizer can say Thread::make<T>().
  template <class T, class... Arguments>
  static T* make(Arguments&&... arguments) {
    T* object = try_make<T>(std::forward<Arguments>(arguments)...);
    if (object == nullptr) out_of_memory(kHeapExhausted);
    return object;
  }
  // The same, with null for an exhausted heap.
  template <class T, class... Arguments>
  static T* try_make(Arguments&&... arguments) {
    void* memory = gc::newobject_inl<T>();
    if (memory == nullptr) return nullptr;
    if constexpr (sizeof...(Arguments) == 0) {
      static_assert(std::is_default_constructible_v<T>,
                    "T has no default constructor: give make() the arguments of one that it has");
      if constexpr (kZeroDefault<T>) return static_cast<T*>(memory);  // as it is
    }
    if constexpr (kMadePlainly<T>) {
      return new (memory) T{std::forward<Arguments>(arguments)...};
    } else {
      const Unfinished kept(memory);
      return new (memory) T{std::forward<Arguments>(arguments)...};
    }
  }
  // `count` values, each as T{}.
  template <class T>
  static T* make_array(size_t count) {
    static_assert(std::is_default_constructible_v<T>, "T has no default constructor");
    void* memory = gc::newarray(type_of<T>(), count);
    if (memory == nullptr) out_of_memory(kHeapExhausted);
    auto* array = static_cast<T*>(memory);
    if constexpr (!kZeroDefault<T>) {
      const Unfinished kept(memory);
      for (size_t i = 0; i < count; ++i) {
        new (array + i) T{};
        if (i % 1024 == 1023) gc::safepoint("make_array");
      }
    }
    return array;
  }

  // To be called in loops that do not allocate: answers the collector. A relaxed load when idle.
  // It asks the current mutator, which inside blocking() and on other threads is not this one.
  GREYHOUND_INLINE void safepoint() {
    GREYHOUND_DCHECK(gc::tls_mutator->self == mutator_.get());
    if (gc::safepoint_wanted()) [[unlikely]]
      safepoint_slow();
  }

  // Runs f() while the collector may answer for this thread: for system calls and waits. f must not
  // touch managed objects; what needs a mutator is fatal there, but a lookup in a map or a read of
  // a field is not noticed. f may throw, and the thread may be cancelled or end in it. Not inlined:
  // the caller's frame must stay as it is while it is scanned.
  template <class F>
  GREYHOUND_NOINLINE decltype(auto) blocking(F&& f) {
    gc::BlockingRegion region(mutator_.get(), "blocking");
    return std::forward<F>(f)();
  }

  // For a program that leaves f() by longjmp: to be called before the thread touches the runtime
  // again. Leaves all but the outermost `depth` of the blocking() that the thread is in; those that
  // were entered before setjmp are kept by giving what blocking_depth() was then. No Handle,
  // RootArray, map operation or managed constructor may be jumped over.
  void after_longjmp(unsigned depth = 0);
  unsigned blocking_depth() const;

  gc::Mutator& mutator() { return *mutator_; }

 private:
  GREYHOUND_NOINLINE void safepoint_slow();
  // Keeps an object alive while its constructors run, which may collect, where stacks are not
  // roots.
  class Unfinished {
   public:
    explicit Unfinished(void* memory) {
      if (gc::tls_mutator->scans_stacks) [[likely]]
        return;
      slot_.value = reinterpret_cast<uintptr_t>(memory);
      gc::add_root(&slot_);
    }
    ~Unfinished() {
      if (slot_.value != 0) gc::remove_root(&slot_);
    }
    Unfinished(const Unfinished&) = delete;
    Unfinished& operator=(const Unfinished&) = delete;

   private:
    gc::HandleSlot slot_;
  };

  std::unique_ptr<gc::Mutator> mutator_;
};

}  // namespace greyhound::runtime
