// SPDX-License-Identifier: MIT
#include "runtime/stack.h"

#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <new>

#include "gc/cycle/collector.h"
#include "runtime/base/check.h"

namespace greyhound::runtime {
namespace {

// A guard page in the range would kill the collector's thread some time later: say it now.
void require_readable(const void* low, size_t size) {
  char byte = 0;
  const iovec here{&byte, 1};
  const iovec there{const_cast<void*>(low), 1};
  // Where the call is not allowed, nothing is known.
  if (process_vm_readv(getpid(), &here, 1, &there, 1, 0) == 1 || errno != EFAULT) return;
  fatal(
      "a coroutine's stack of %zu bytes at %p cannot be read at its lowest address: leave its "
      "guard page out of what is registered",
      size, low);
}

// Before a frame; a multiple of the alignment that frames have.
struct alignas(__STDCPP_DEFAULT_NEW_ALIGNMENT__) FrameHeader {
  gc::CollectorState* collector = nullptr;  // null: not scanned
  gc::StackRange range;
};

}  // namespace

gc::StackRange* stack_detail::Switch::leave(uintptr_t sp, const gc::SavedRegisters& registers,
                                            gc::StackRange* to) {
  gc::Mutator* mutator = gc::current_mutator();
  if (!mutator->scans_stacks) return nullptr;
  return mutator->stacks().leave(sp, registers, to);
}

void stack_detail::Switch::arrive(gc::StackRange* stack) {
  // A thread that has detached meanwhile has nothing to tell.
  if (gc::tls_attached != nullptr) gc::current_mutator()->stacks().arrive_on(stack);
}

Stack::Stack(Runtime& runtime, void* low, size_t size) : collector_(&runtime.collector()) {
  require_readable(low, size);
  range_.low = reinterpret_cast<uintptr_t>(low);
  range_.base = range_.low + size;
  collector_->parked_stacks.add(&range_);
}

Stack::~Stack() {
  gc::Mutator* owner = range_.owner;
  if (owner == nullptr) {
    collector_->parked_stacks.remove(&range_);
    return;
  }
  if (!gc::may_change_roots_of(owner, "has one of its stacks destroyed")) return;
  if (owner->stacks().runs_on(&range_))
    fatal("mutator '%s': the stack that it runs on is destroyed", owner->name().c_str());
  owner->stacks().drop(&range_);
}

gc::StackRange* Stack::enter() {
  gc::Mutator* mutator = gc::current_mutator();
  if (mutator->collector() != collector_)
    fatal("a Stack of one runtime is resumed while the thread works with another");
  if (!mutator->scans_stacks) return nullptr;
  if (range_.owner == nullptr) mutator->stacks().adopt(&range_);
  if (range_.owner != mutator) {
    fatal(
        "mutator '%s' resumes a Stack that '%s' resumed before: call Stack::release there when the "
        "coroutine is suspended",
        mutator->name().c_str(), range_.owner->name().c_str());
  }
  if (mutator->stacks().runs_on(&range_))
    fatal("mutator '%s' resumes the Stack that it runs on", mutator->name().c_str());
  return &range_;
}

void Stack::release() {
  gc::Mutator* owner = range_.owner;
  if (owner == nullptr) return;
  if (!gc::may_change_roots_of(owner, "has one of its stacks released")) return;
  if (owner->stacks().runs_on(&range_))
    fatal("mutator '%s': the stack that it runs on is released", owner->name().c_str());
  owner->stacks().release(&range_);
}

void* RootedFrame::operator new(size_t size) {
  gc::Mutator* mutator = gc::current_mutator();
  auto* header = new (::operator new(sizeof(FrameHeader) + size)) FrameHeader;
  void* frame = header + 1;
  if (mutator->scans_stacks) {
    header->collector = mutator->collector();
    header->range.low = header->range.saved_sp = reinterpret_cast<uintptr_t>(frame);
    header->range.base = header->range.low + size;
    mutator->stacks().own(&header->range);
  }
  return frame;
}

void RootedFrame::operator delete(void* frame) {
  FrameHeader* header = static_cast<FrameHeader*>(frame) - 1;
  if (header->collector != nullptr) {
    gc::Mutator* owner = header->range.owner;
    if (owner == nullptr) {
      header->collector->parked_stacks.remove(&header->range);
    } else if (gc::may_change_roots_of(owner, "has a coroutine's frame destroyed")) {
      owner->stacks().drop(&header->range);
    } else {
      return;  // exit() runs: somebody may still look at it
    }
  }
  ::operator delete(header);
}

}  // namespace greyhound::runtime
