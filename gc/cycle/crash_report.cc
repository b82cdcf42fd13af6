// SPDX-License-Identifier: MIT
#include "gc/cycle/crash_report.h"

#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <mutex>

#include "gc/cycle/collector.h"

namespace greyhound::gc {
namespace {

constexpr uint64_t kClobbered = 0xdeadbeefdeadbeef;

// Appends to a buffer that is cut off when full; no allocation.
class Text {
 public:
  Text(char* buffer, size_t size) : buffer_(buffer), size_(size) { buffer_[0] = '\0'; }
  void add(const char* format, ...) __attribute__((format(printf, 2, 3))) {
    va_list arguments;
    va_start(arguments, format);
    const int wanted = std::vsnprintf(buffer_ + used_, size_ - used_, format, arguments);
    va_end(arguments);
    if (wanted > 0) used_ = std::min(used_ + static_cast<size_t>(wanted), size_ - 1);
  }

 private:
  char* buffer_;
  size_t size_;
  size_t used_ = 0;
};

unsigned long long number(uint64_t value) { return value; }

bool holds_clobbered(const ucontext_t* context) {
  return std::ranges::any_of(context->uc_mcontext.gregs,
                             [](greg_t word) { return static_cast<uint64_t>(word) == kClobbered; });
}

void write_all(const char* text) {
  size_t left = std::strlen(text);
  while (left != 0) {
    const ssize_t written = write(STDERR_FILENO, text, left);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // there is nobody to tell
    text += written;
    left -= static_cast<size_t>(written);
  }
}

void on_signal(int signal, siginfo_t* info, void* context) {
  char buffer[4096];
  Text text(buffer, sizeof buffer);
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  text.add("fatal error: signal %d (SIG%s), address %#lx\n", signal, sigabbrev_np(signal), address);
  if (holds_clobbered(static_cast<ucontext_t*>(context))) {
    text.add(
        "  a register holds %#llx: a freed object was used (clobberfree), so look for a pointer "
        "that was no root or stored without a barrier\n",
        number(kClobbered));
  }
  char line[2048];
  if (const Mutator* mutator = tls_attached; mutator != nullptr) {
    describe_address(*mutator->collector(), address, line, sizeof line);
    text.add("  %s\n  mutator '%s', last safepoint: %s\n", line, mutator->name().c_str(),
             mutator->last_safepoint());
    describe_collector(mutator->collector(), line, sizeof line);
    text.add("  %s\n", line);
  }
  write_all(buffer);
  raise(signal);  // SA_RESETHAND: now as if there were no handler
}

}  // namespace

void EventLog::note(Phase phase, uint64_t cycle) {
  ring_.push({.at_ns = monotonic_ns(),
              .cycle = cycle,
              .kind = EventKind::kPhase,
              .detail = static_cast<uint8_t>(phase)});
}

bool EventLog::recent(size_t i, Event* event) const {
  const uint64_t count = ring_.count();
  gc::Event found;
  if (i >= count || !ring_.read(count - 1 - i, &found)) return false;
  *event = {found.at_ns, found.cycle, static_cast<Phase>(found.detail)};
  return true;
}

void describe_address(const Collector& collector, uintptr_t address, char* buffer, size_t size) {
  Text text(buffer, size);
  const Heap& heap = collector.heap;
  if (!heap.contains(address)) return text.add("%#lx is not in this runtime's heap", address);
  const FoundObject found = heap.find_object(address);
  if (found.base == 0) return text.add("%#lx is in the heap, but in no object's slot", address);
  const mspan& span = *found.span;
  const bool large = span.size_class == kLargeClass;
  if (address == found.base) {
    text.add("%#lx is ", address);
  } else {
    text.add("%#lx is byte %lu of the object at %#lx, ", address, address - found.base, found.base);
  }
  if (large) {
    text.add("a large object of %zu B", span.bytes());
  } else {
    text.add("slot %u of %u, %u B each, of the span at %#lx", found.index, span.nelems,
             span.elem_size, span.base);
  }
  // A crash may find a shared span that has just lost its slots' types with its pages.
  const char* type = "unknown";
  if (span.layout != nullptr || span.slot_layouts != nullptr) {
    const Layout* layout = heap.layout_of(&span, found.index);
    const bool handed_out = span.layout != nullptr || layout->id != LayoutRegistry::kNoType;
    type = handed_out ? layout->type_name.c_str() : "none yet (not handed out)";
  }
  text.add(", type %s, %s, %s", type, heap.allocs.test(found.base) ? "allocated" : "free",
           heap.marks.test(found.base) ? "marked" : "not marked");
  if (*reinterpret_cast<const uint64_t*>(found.base) == kClobbered)
    text.add(", overwritten by clobberfree");
}

void describe_collector(const void* owner, char* buffer, unsigned long size) {
  const auto* collector = static_cast<const Collector*>(owner);
  Text text(buffer, size);
  text.add("collector phase %s, %llu cycles completed", phase_name(collector->phase()),
           number(collector->completed_cycles()));
  const uint64_t now = monotonic_ns();
  EventLog::Event event;
  constexpr size_t kShown = 16;
  for (size_t i = 0; i < kShown && collector->events.recent(i, &event); ++i) {
    text.add("%s %.3f ms ago: %s, cycle %llu", i == 0 ? "\n  before that:" : ";",
             static_cast<double>(now - event.at_ns) * 1e-6, phase_name(event.phase),
             number(event.cycle));
  }
}

void install_crash_handler() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action = {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_RESETHAND | SA_NODEFER;
    for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE}) {
      if (sigaction(signal, &action, nullptr) == 0) continue;
      std::fprintf(stderr, "greyhound: crashreport: SIG%s cannot be handled: %s\n",
                   sigabbrev_np(signal), std::strerror(errno));
    }
  });
}

}  // namespace greyhound::gc
