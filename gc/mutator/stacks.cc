// SPDX-License-Identifier: MIT
// How a parked stack changes hands is in parked_stacks.h; runtime/stack.h is what embedders see of
// it.
#include "gc/mutator/stacks.h"

#include <unistd.h>

#include <algorithm>

#include "gc/bug.h"
#include "gc/mark/root_resolver.h"
#include "gc/mutator/collector_state.h"
#include "gc/mutator/mutator.h"
#include "runtime/base/backtrace.h"
#include "runtime/base/check.h"

namespace greyhound::gc {

namespace {

// Room for all that is to come, at once: of a deep stack that is full of pointers, doubling would
// copy and touch for the first time several times what is needed, which was most of the hold.
GREYHOUND_NO_SANITIZE void make_room(uintptr_t low, uintptr_t high, uintptr_t heap_base,
                                     size_t heap_size, RootWords* words) {
  size_t count = 0;
  for (uintptr_t at = low; at + kWordBytes <= high; at += kWordBytes) {
    const uintptr_t word = *reinterpret_cast<const volatile uintptr_t*>(at);
    count += may_be_root(heap_base, heap_size, word) ? 1 : 0;
  }
  words->reserve(std::max(words->size() + count, 2 * words->capacity()));
}

GREYHOUND_NO_SANITIZE void copy_words(uintptr_t low, uintptr_t high, RootWords* words) {
  for (; low < high; low += kWordBytes) {
    const uintptr_t word = *reinterpret_cast<const volatile uintptr_t*>(low);
    words->push_back(word);
  }
}

}  // namespace

GREYHOUND_NO_SANITIZE void append_ambiguous_words(uintptr_t low, uintptr_t high,
                                                  uintptr_t heap_base, size_t heap_size,
                                                  RootWords* words) {
  for (uintptr_t at = align_up(low, kWordBytes); at + kWordBytes <= high; at += kWordBytes) {
    const uintptr_t word = *reinterpret_cast<const volatile uintptr_t*>(at);
    if (!may_be_root(heap_base, heap_size, word)) continue;
    if (words->size() == words->capacity()) make_room(at, high, heap_base, heap_size, words);
    words->push_back(word);
  }
}

void append_stack_words(const StackRange& stack, uintptr_t heap_base, size_t heap_size,
                        RootWords* words) {
  if (stack.saved_sp == 0) return;
  const auto saved = reinterpret_cast<uintptr_t>(stack.registers.data());
  append_ambiguous_words(saved, saved + sizeof stack.registers, heap_base, heap_size, words);
  append_ambiguous_words(stack.saved_sp, stack.base, heap_base, heap_size, words);
}

MutatorStacks::MutatorStacks(Mutator* owner, CollectorState* gc, bool scanned)
    : owner_(owner), gc_(gc), scanned_(scanned) {
  own_.owner = owner;
  all_.add_last(&own_);
}

const char* MutatorStacks::owner_name() const { return owner_->name().c_str(); }

void MutatorStacks::begin_thread(bool end_wanted) {
  if (!scanned_ && !end_wanted) return;
  const StackBounds bounds = thread_stack_bounds();
  thread_end_ = bounds.end;
  if (!scanned_) return;
  own_.low = bounds.low;
  own_.base = bounds.end;
}

void MutatorStacks::end_thread() {
  own_.low = own_.base = own_.saved_sp = 0;
  registers_ = {};
  frame_.clear();
}

void MutatorStacks::copy_frame(uintptr_t low, uintptr_t high) {
  frame_.clear();
  if (scanned_) copy_words(low, high, &frame_);
}

size_t MutatorStacks::stopped_bytes() const {
  return running_->base - std::min(running_->base, running_->saved_sp);
}

void MutatorStacks::append_words(RootWords* words) const {
  const uintptr_t base = gc_->heap.base();
  const size_t size = gc_->heap.size();
  const auto append = [&](const auto& saved) {
    const auto low = reinterpret_cast<uintptr_t>(saved.data());
    append_ambiguous_words(low, low + saved.size() * kWordBytes, base, size, words);
  };
  if (scanned_) {
    append(registers_);
    append(frame_);
  }
  all_.for_each([&](const StackRange& stack) { append_stack_words(stack, base, size, words); });
}

GREYHOUND_NOINLINE void MutatorStacks::wrong_stack(uintptr_t address) {
  if (running_ == &own_) {
    if (own_.base == 0) return;  // precise roots, or no thread: stacks are nobody's business
    own_.low = thread_stack_bounds(true).low;
    if (own_.contains(address)) return;
  }
  bool known = false;
  all_.for_each([&](const StackRange& stack) { known |= stack.contains(address); });
  fatal(
      "mutator '%s' (thread %d): the stack pointer is at %#lx, %s, so what lies on this stack "
      "would not be scanned (the thread's own stack is %#lx to %#lx): attach on the thread's own "
      "stack, register every other one by a greyhound::runtime::Stack and enter it by "
      "Stack::resume",
      owner_name(), static_cast<int>(gettid()), address,
      known ? "on a stack that was entered without Stack::resume"
            : "on no stack that the collector was told of",
      own_.low, own_.base);
}

void MutatorStacks::own(StackRange* stack) {
  stack->owner = owner_;
  all_.add_last(stack);
}

void MutatorStacks::adopt(StackRange* stack) {
  gc_->parked_stacks.remove(stack);
  own(stack);
}

void MutatorStacks::release(StackRange* stack) {
  if (owner_->shading() && !bug(Bug::kReleaseForgetsRoots)) {
    RootWords words;
    append_stack_words(*stack, gc_->heap.base(), gc_->heap.size(), &words);
    for_each_root_object(gc_->heap, words.data(), words.size(), [this](const FoundObject& object) {
      owner_->shades().shade_object(object.base);
    });
  }
  StackList::remove(stack);
  gc_->parked_stacks.add(stack);
}

void MutatorStacks::drop(StackRange* stack) {
  StackList::remove(stack);
  stack->owner = nullptr;
}

StackRange* MutatorStacks::leave(uintptr_t sp, const SavedRegisters& registers, StackRange* to) {
  owner_->check_stack();
  StackRange* left = running_;
  left->park(sp, registers);
  running_ = to != nullptr ? to : &between_;
  running_->unpark();
  return left;
}

void MutatorStacks::arrive_on(StackRange* stack) {
  if (stack->owner != owner_ || running_ == &own_) {
    fatal(
        "mutator '%s' (thread %d) was switched to the stack with base %#lx without Stack::resume: "
        "every switch to a parked stack goes by it, also the one that ends a coroutine",
        owner_name(), static_cast<int>(gettid()), stack->base);
  }
  // It was left without a word: by an end of its function, or by a switch that knows nothing of us.
  // Where its stack pointer was nobody knows, so all of it is scanned until it is entered again.
  if (running_ != &between_) running_->park(running_->low, {});
  running_ = stack;
  running_->unpark();
}

StackRange* MutatorStacks::numbered(size_t stack) {
  GREYHOUND_CHECK(stack <= numbered_.size());
  return stack == 0 ? &own_ : numbered_[stack - 1].get();
}

size_t MutatorStacks::add(uintptr_t base, uintptr_t low) {
  numbered_.push_back(std::make_unique<StackRange>());
  numbered_.back()->low = low;
  numbered_.back()->base = base;
  own(numbered_.back().get());
  return numbered_.size();
}

void MutatorStacks::switch_to(size_t stack, uintptr_t leaving_sp, const SavedRegisters& registers) {
  if (leaving_sp != 0 && running_->base != 0 && !running_->contains(leaving_sp)) {
    fatal("mutator '%s' leaves a stack at %#lx, which is not on it (%#lx to %#lx)", owner_name(),
          leaving_sp, running_->low, running_->base);
  }
  running_->park(leaving_sp, registers);
  running_ = numbered(stack);
  running_->unpark();
}

// For a mutator that goes, when what they hold is shaded.
void MutatorStacks::release_all() {
  StackList::remove(&own_);
  for (const auto& stack : numbered_) StackList::remove(stack.get());
  while (StackRange* stack = all_.first()) {
    StackList::remove(stack);
    gc_->parked_stacks.add(stack);
  }
}

}  // namespace greyhound::gc
