// SPDX-License-Identifier: MIT
#include "runtime/runtime.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <system_error>

#include "gc/cycle/collector.h"
#include "gc/watch/log.h"
#include "runtime/base/cgroup.h"
#include "runtime/base/check.h"
#include "runtime/base/panic.h"
#include "runtime/base/process_exit.h"
#include "runtime/finalizer.h"
#include "runtime/weak.h"

namespace greyhound::runtime {
namespace {

[[noreturn]] void throw_panic(const char* message) { throw Panic(message); }

// What a panic did on this thread before it attached.
constinit thread_local PanicHandler tls_outer_handler = nullptr;

bool parse_gc_percent(const char* text, int64_t* percent) {
  if (std::strcmp(text, "off") == 0) {
    *percent = gc::kGcOff;
    return true;
  }
  // As much as Go takes; a longer number is a mistake, not a wish.
  int32_t value = 0;
  const char* end = text + std::strlen(text);
  const auto result = std::from_chars(text, end, value);
  if (result.ec != std::errc() || result.ptr != end) return false;
  *percent = std::max<int64_t>(value, gc::kGcOff);
  return true;
}

// Of a control group's memory the heap may have so much; the rest is for what is not on it.
constexpr uint64_t kHeapShareOfCgroup = 9;  // tenths

// Why no thread could be had: pthread_create gives the same error for both.
bool has_room_for_a_stack() {
  constexpr size_t kUsualStack = size_t{8} << 20;
  void* stack = mmap(nullptr, kUsualStack, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) return false;
  munmap(stack, kUsualStack);
  return true;
}

}  // namespace

const char* version() { return GREYHOUND_VERSION; }

void throw_out_of_memory(const char* what) { throw OutOfMemory(what); }

std::vector<std::string> apply_environment(Options* options) {
  std::vector<std::string> errors;
  const Options defaults;
  if (const char* text = std::getenv("GREYHOUND_GC");
      text != nullptr && options->gc_percent == defaults.gc_percent) {
    if (!parse_gc_percent(text, &options->gc_percent)) {
      errors.push_back("GREYHOUND_GC: '" + std::string(text) +
                       "' is neither a percentage up to 2147483647 nor 'off' (or negative, which "
                       "is the same)");
    }
  }
  if (const char* text = std::getenv("GREYHOUND_MEMLIMIT");
      text != nullptr && options->memory_limit == 0) {
    if (std::strcmp(text, "off") == 0) {
      options->cgroup_memory_limit = false;
    } else if (!parse_bytes(text, &options->memory_limit)) {
      errors.push_back("GREYHOUND_MEMLIMIT: '" + std::string(text) +
                       "' is neither a size nor 'off'; write bytes or a number with KiB, MiB, GiB "
                       "or TiB, as in 512MiB");
    }
  }
  if (const char* text = std::getenv("GREYHOUND_DEBUG"); text != nullptr) {
    for (std::string& error : parse_debug_flags(text, &options->debug))
      errors.push_back(std::move(error));
    if (options->mem_profile_rate == 0)
      options->mem_profile_rate = static_cast<uint64_t>(options->debug.memprofilerate);
  }
  return errors;
}

void apply_cgroup(Options* options, const char* root) {
  if (!options->cgroup_memory_limit || options->memory_limit != 0) return;
  const uint64_t limit = cgroup_limits(root).memory;
  options->memory_limit = limit / 10 * kHeapShareOfCgroup;
}

Runtime::Runtime(Options options) {
  if (options.use_environment) {
    for (const std::string& error : apply_environment(&options))
      gc::log_message(options, "%s", error.c_str());
  }
  apply_cgroup(&options);
  auto collector = std::make_unique<gc::Collector>(options);
  if (!collector->start()) {
    if (collector->outcome() == gc::Start::kNoThread && has_room_for_a_stack()) {
      throw std::system_error(EAGAIN, std::generic_category(),
                              "greyhound: no thread can be started for a runtime; raise the limit "
                              "on processes (ulimit -u) or address space (ulimit -v)");
    }
    throw_out_of_memory(
        "greyhound: there is no address space for a heap; raise the process's limit (ulimit -v) "
        "or ask for less of it by Options::reserve");
  }
  if (collector->options().finalizer_thread && collector->options().mode != Mode::kStepping)
    finalizer_thread_ = new FinalizerThread(this);
  collector_ = collector.release();
  if (finalizer_thread_ != nullptr) collector_->references.set_runner(finalizer_thread_);
}

Runtime::~Runtime() {
  // The threads that were in the middle of it are not in this process.
  if (!collector_->process.usable()) return;
  const bool on_finalizers = finalizer_thread_ != nullptr && finalizer_thread_->is_this_thread();
  const size_t own = finalizer_thread_ != nullptr && finalizer_thread_->attached() ? 1 : 0;
  if ((on_finalizers || collector_->world.count() > own) && called_by_exit()) return;
  if (on_finalizers) fatal("a runtime is destroyed by one of its finalizers or cleanups");
  // The calling thread may be attached to another one, whose collector must not wait for this.
  const gc::BlockingScope blocking(gc::current_mutator_or_null(), "the end of a runtime");
  delete finalizer_thread_;
  delete collector_;
}

void Runtime::collect() { collector_->collect(); }

gc::GcStats Runtime::stats() { return collector_->stats(); }

gc::PersistentRoots* Runtime::persistents() const { return &collector_->persistents; }

size_t Runtime::return_memory() {
  const gc::BlockingScope blocking(gc::current_mutator_or_null(), "return_memory");
  return collector_->heap.return_to_system(SIZE_MAX);
}

int64_t Runtime::set_gc_percent(int64_t percent) {
  const int64_t previous = collector_->pacer.gc_percent();
  collector_->pacer.set_gc_percent(percent);
  return previous;
}

uint64_t Runtime::set_memory_limit(uint64_t bytes) {
  const uint64_t previous = collector_->pacer.memory_limit();
  collector_->pacer.set_memory_limit(bytes);
  return previous;
}

void Runtime::set_finalizer_untyped(void* object, std::function<void(void*)> finalizer, bool tiny) {
  require_current("set_finalizer");
  gc::mheap& heap = collector_->heap;
  const auto address = reinterpret_cast<uintptr_t>(object);
  const gc::FoundObject found = heap.findObject(address);
  const bool in_block =
      tiny && found.base != 0 && found.span->noscan && found.span->elem_size == gc::kGranule;
  if (found.base == 0 || (found.base != address && !in_block)) {
    fatal(
        "set_finalizer: %p is not the start of an object of this runtime; pass what Thread::make "
        "gave",
        object);
  }
  collector_->references.set_finalizer(object, std::move(finalizer));
}

uint64_t Runtime::add_cleanup(const void* object, std::function<void()> cleanup) {
  require_current("add_cleanup");
  weak_detail::require_object(object, "add_cleanup: an object");
  return collector_->references.add_cleanup(object, std::move(cleanup));
}

bool Runtime::cancel_cleanup(uint64_t id) {
  require_current("cancel_cleanup");
  return collector_->references.cancel_cleanup(id);
}

void Runtime::run_finalizers() {
  require_current("run_finalizers");
  if (finalizer_thread_ == nullptr || !finalizer_thread_->runs_elsewhere()) {
    static const std::atomic<bool> kNever{false};
    run_ready(&collector_->references, kNever);
    return;
  }
  gc::BlockingScope blocking(gc::current_mutator(), "run_finalizers");
  collector_->references.wait_idle();
}

// Copying takes a while, for these and the trace: no handshake waits for it.
std::vector<gc::MemRecord> Runtime::heap_profile() {
  gc::BlockingScope blocking(gc::current_mutator_or_null(), "heap_profile");
  return collector_->mem_profile.records();
}

std::vector<gc::WaitRecord> Runtime::wait_profile() {
  gc::BlockingScope blocking(gc::current_mutator_or_null(), "wait_profile");
  return collector_->waits.records();
}

gc::MarkTimes Runtime::uncharged_marking() const { return collector_->mem_profile.uncharged(); }

void Runtime::set_wait_profile_rate(uint64_t ns) { collector_->waits.set_rate(ns); }

bool Runtime::tracing() const { return collector_->tracer.on(); }

bool Runtime::trace_start() { return trace_start({}); }

bool Runtime::trace_start(const gc::TraceOptions& options) {
  gc::BlockingScope blocking(gc::current_mutator_or_null(), "trace_start");
  return collector_->start_trace(options);
}

gc::Trace Runtime::trace_stop() {
  gc::BlockingScope blocking(gc::current_mutator_or_null(), "trace_stop");
  return collector_->tracer.stop();
}

void Runtime::require_current(const char* function) {
  if (gc::current_mutator()->collector() == collector_) return;
  fatal("%s of one runtime is called while the thread works with another", function);
}

Thread::Thread(Runtime& runtime, std::string name)
    : mutator_(std::make_unique<gc::Mutator>(&runtime.collector(), std::move(name))) {
  const bool first = gc::tls_attached == nullptr;
  mutator_->bind();
  const PanicHandler before = set_panic_handler(throw_panic);
  if (first) tls_outer_handler = before;
}

Thread::~Thread() {
  if (!mutator_->detaches_here() && called_by_exit()) {
    // A static one, and exit() was called on another thread.
    static_cast<void>(mutator_.release());
    return;
  }
  const bool attached = gc::tls_attached != nullptr;
  mutator_.reset();
  if (attached && gc::tls_attached == nullptr) set_panic_handler(tls_outer_handler);
}

void Thread::after_longjmp(unsigned depth) { mutator_->after_longjmp(depth); }

unsigned Thread::blocking_depth() const { return mutator_->blocking_depth(); }

void Thread::safepoint_slow() {
  gc::current_mutator();  // says what is wrong where there is none
  mutator_->answer_slow("safepoint");
}

}  // namespace greyhound::runtime
