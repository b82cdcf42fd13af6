// SPDX-License-Identifier: MIT
#include "runtime/finalizer.h"

#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include "gc/cycle/collector.h"
#include "gc/watch/log.h"
#include "gc/weak/reference_processor.h"
#include "runtime/handle.h"
#include "runtime/runtime.h"
#include "runtime/weak.h"

namespace greyhound {

void weak_detail::require_object(const void* target, const char* what) {
  gc::mheap& heap = gc::current_mutator()->collector()->heap;
  // Not whether the slot is allocated: a sweeper may be rewriting its bit, to what it was.
  if (heap.findObject(reinterpret_cast<uintptr_t>(target)).base != 0) return;
  fatal("%s at %p, which is no object of this thread's runtime; make it with Thread::make", what,
        target);
}

namespace runtime {

namespace {

// Nothing could catch what a finalizer or a cleanup throws: nobody called it. Also where it runs in
// run_finalizers(), since that is a matter of an option.
[[noreturn]] void fatal_thrown(const gc::ReadyCall& call, const char* what) {
  const auto* object = reinterpret_cast<const void*>(call.address);
  if (call.cleanup_id != 0) {
    fatal("cleanup %llu of the object that was at %p threw %s; it must catch what it throws",
          static_cast<unsigned long long>(call.cleanup_id), object, what);
  }
  fatal("the finalizer of the object at %p threw %s; it must catch what it throws", object, what);
}

void run_call(gc::ReferenceProcessor* references, gc::ReadyCall* call) {
  try {
    if (call->object == nullptr) return call->cleanup();
    Handle<char> object(reinterpret_cast<char*>(load_word(&call->object->value)));
    references->release(call);
    call->finalizer(object.get());
  } catch (const std::exception& thrown) {
    fatal_thrown(*call, (std::string("'") + thrown.what() + "'").c_str());
  } catch (...) {
    fatal_thrown(*call, "something that is no std::exception");
  }
}

}  // namespace

size_t run_ready(gc::ReferenceProcessor* references, const std::atomic<bool>& stop) {
  size_t calls = 0;
  gc::ReadyCall call;
  const gc::Mutator& mutator = *gc::current_mutator();
  while (!stop.load(std::memory_order_relaxed) && references->take_ready(&call)) {
    const bool finalizer = call.object != nullptr;
    const uint64_t traced_from = mutator.tracing() ? gc::monotonic_ns() : 0;
    run_call(references, &call);
    if (traced_from != 0)
      mutator.trace_since(traced_from,
                          finalizer ? gc::EventKind::kFinalizer : gc::EventKind::kCleanup);
    call = {};  // what the call had captured is gone before anybody hears that it is over
    references->finished();
    ++calls;
  }
  return calls;
}

FinalizerThread::~FinalizerThread() {
  stop_.store(true, std::memory_order_relaxed);
  gc::ReferenceProcessor& references = runtime_->collector().references;
  references.set_runner(nullptr);
  references.wake_waiters();
  thread_.join();
}

bool FinalizerThread::is_this_thread() const {
  const std::lock_guard lock(mutex_);
  return thread_.is_this_thread();
}

bool FinalizerThread::runs_elsewhere() const {
  const std::lock_guard lock(mutex_);
  return thread_.running() && !thread_.is_this_thread();
}

void FinalizerThread::calls_are_due() {
  const std::lock_guard lock(mutex_);
  if (thread_.running()) return;
  const int error = thread_.start<&FinalizerThread::run>("gh-final", this);
  if (error == 0 || std::exchange(refused_, true)) return;
  gc::log_message(runtime_->collector().options(),
                  "the finalizer thread cannot be started: %s; finalizers and cleanups run in "
                  "run_finalizers() only",
                  std::strerror(error));
}

void FinalizerThread::forked() {
  // A thread that is not here may hold it.
  new (&mutex_) std::mutex();
  if (thread_.is_this_thread()) return;
  thread_.forget();
  attached_.store(false, std::memory_order_relaxed);
}

void FinalizerThread::run() {
  Thread thread(*runtime_, "finalizers");
  attached_.store(true, std::memory_order_release);
  gc::ReferenceProcessor& references = runtime_->collector().references;
  while (!stop_.load(std::memory_order_relaxed)) {
    run_ready(&references, stop_);
    thread.blocking(
        [&] { references.wait_ready([this] { return stop_.load(std::memory_order_relaxed); }); });
  }
  attached_.store(false, std::memory_order_release);
}

}  // namespace runtime
}  // namespace greyhound
