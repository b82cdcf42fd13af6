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
// Raw pointers on the stack keep objects alive, and objects do not move. Not roots, and so a way to
// lose an object: pointers in malloc'ed containers (std::vector<Node*>), in coroutine frames, in
// globals, and in the arguments of a thread that has not attached yet. Use Handle, Persistent or
// RootArray for those. References pass between threads through Ref fields of managed objects or
// through a Persistent; while attached to two runtimes, pointers into the one that is not current
// need a Handle.
//
// Linking Greyhound links mimalloc's shared library, which replaces the process's malloc and
// operator new; build with GREYHOUND_MIMALLOC=OFF to keep your own.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

#include "gc/collector.h"
#include "gc/malloc.h"
#include "gc/options.h"
#include "gc/ref.h"

namespace greyhound::runtime {

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
  // Throws std::bad_alloc when no address space for a heap can be had. Environment variables apply
  // where `options` was left at its defaults (GREYHOUND_GC, GREYHOUND_MEMLIMIT, GREYHOUND_DEBUG),
  // and what they contain that is not understood is reported on stderr, unless use_environment is
  // false.
  explicit Runtime(Options options = {});
  // Fatal while a thread is attached. May run on any thread.
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // A full collection: returns when everything that was garbage at the call has been swept.
  void collect() { collector_->collect(); }
  gc::GcStats stats() { return collector_->stats(); }

  // As GOGC and GOMEMLIMIT; each returns the previous value. Any thread.
  int64_t set_gc_percent(int64_t percent);
  uint64_t set_memory_limit(uint64_t bytes);
  // Returns free heap pages to the system; gives the bytes. Any thread.
  size_t return_memory() { return collector_->heap.return_to_system(SIZE_MAX); }

  gc::Collector& collector() { return *collector_; }

 private:
  std::unique_ptr<gc::Collector> collector_;
};

// Fills in `options` from the environment; gives one sentence per thing that was not understood.
std::vector<std::string> apply_environment(Options* options);

// Attaches the calling thread to a runtime from construction to destruction. A thread attaches once
// to a runtime; attached to several, it works with the one it attached to last.
class Thread {
 public:
  explicit Thread(Runtime& runtime, std::string name = "mutator");
  ~Thread();
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  // A new T, its fields initialised from `arguments` (an aggregate's in order); throws
  // std::bad_alloc when the heap limit is reached. A safepoint.
  template <class T, class... Arguments>
  T* make(Arguments&&... arguments) {
    T* object = try_make<T>(std::forward<Arguments>(arguments)...);
    if (object == nullptr) throw std::bad_alloc();
    return object;
  }
  // The same, with null for an exhausted heap.
  template <class T, class... Arguments>
  T* try_make(Arguments&&... arguments) {
    void* memory = gc::mallocgc(sizeof(T), type_of<T>());
    if (memory == nullptr) return nullptr;
    if constexpr (sizeof...(Arguments) == 0) {
      return static_cast<T*>(memory);  // zeroed: every field is null or zero
    } else {
      return new (memory) T{std::forward<Arguments>(arguments)...};
    }
  }
  // `count` zeroed values of T.
  template <class T>
  T* make_array(size_t count) {
    void* memory = gc::newarray(type_of<T>(), count);
    if (memory == nullptr) throw std::bad_alloc();
    return static_cast<T*>(memory);
  }

  // To be called in loops that do not allocate: answers the collector. A relaxed load when idle.
  GREYHOUND_INLINE void safepoint() { mutator_->safepoint(); }

  // Runs f() while the collector may answer for this thread: for system calls and waits. f must not
  // touch managed objects. Not inlined: the caller's frame must stay as it is while it is scanned.
  template <class F>
  GREYHOUND_NOINLINE decltype(auto) blocking(F&& f) {
    gc::BlockingScope scope(mutator_.get(), "blocking");
    return std::forward<F>(f)();
  }

  gc::Mutator& mutator() { return *mutator_; }

 private:
  std::unique_ptr<gc::Mutator> mutator_;
  void (*previous_panic_handler_)(const char*) = nullptr;
};

}  // namespace greyhound::runtime
