// SPDX-License-Identifier: MIT
// The stacks of a mutator: which one its thread runs on, how the others are parked, and how a
// parked one changes hands (stack_range.h). runtime/stack.h is what embedders see of it.
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

void StackRange::append_words(uintptr_t heap_base, size_t heap_size, RootWords* words) const {
  if (saved_sp == 0) return;
  const auto saved = reinterpret_cast<uintptr_t>(registers.data());
  append_ambiguous_words(saved, saved + sizeof registers, heap_base, heap_size, words);
  append_ambiguous_words(saved_sp, base, heap_base, heap_size, words);
}

GREYHOUND_NOINLINE void Mutator::wrong_stack(uintptr_t address) {
  if (stack_ == &own_stack_) {
    if (own_stack_.base == 0) return;  // precise roots, or no thread: stacks are nobody's business
    own_stack_.low = thread_stack_bounds(true).low;
    if (own_stack_.contains(address)) return;
  }
  bool known = false;
  stacks_.for_each([&](const StackRange& stack) { known |= stack.contains(address); });
  fatal(
      "mutator '%s' (thread %d): the stack pointer is at %#lx, %s, so what lies on this stack "
      "would "
      "not be scanned (the thread's own stack is %#lx to %#lx): attach on the thread's own stack, "
      "register every other one by a greyhound::runtime::Stack and enter it by Stack::resume",
      name().c_str(), static_cast<int>(gettid()), address,
      known ? "on a stack that was entered without Stack::resume"
            : "on no stack that the collector was told of",
      own_stack_.low, own_stack_.base);
}

void Mutator::own_stack(StackRange* stack) {
  stack->owner = this;
  stacks_.add_last(stack);
}

void Mutator::adopt_stack(StackRange* stack) {
  gc_->parked_stacks.remove(stack);
  own_stack(stack);
}

void Mutator::release_stack(StackRange* stack) {
  if (shading() && !bug(Bug::kReleaseForgetsRoots)) {
    RootWords words;
    stack->append_words(gc_->heap.base(), gc_->heap.size(), &words);
    for_each_root_object(gc_->heap, words.data(), words.size(),
                         [this](const FoundObject& object) { shade_object(object.base); });
  }
  StackList::remove(stack);
  gc_->parked_stacks.add(stack);
}

void Mutator::drop_stack(StackRange* stack) {
  StackList::remove(stack);
  stack->owner = nullptr;
}

StackRange* Mutator::leave_stack(uintptr_t sp, const SavedRegisters& registers, StackRange* to) {
  check_stack();
  StackRange* left = stack_;
  left->park(sp, registers);
  stack_ = to != nullptr ? to : &between_;
  stack_->unpark();
  return left;
}

void Mutator::arrive_on(StackRange* stack) {
  if (stack->owner != this || stack_ == &own_stack_) {
    fatal(
        "mutator '%s' (thread %d) was switched to the stack with base %#lx without Stack::resume: "
        "every switch to a parked stack goes by it, also the one that ends a coroutine",
        name().c_str(), static_cast<int>(gettid()), stack->base);
  }
  // It was left without a word: by an end of its function, or by a switch that knows nothing of us.
  // Where its stack pointer was nobody knows, so all of it is scanned until it is entered again.
  if (stack_ != &between_) stack_->park(stack_->low, {});
  stack_ = stack;
  stack_->unpark();
}

StackRange* Mutator::numbered(size_t stack) {
  GREYHOUND_CHECK(stack <= numbered_.size());
  return stack == 0 ? &own_stack_ : numbered_[stack - 1].get();
}

size_t Mutator::add_stack(uintptr_t base, uintptr_t low) {
  numbered_.push_back(std::make_unique<StackRange>());
  numbered_.back()->low = low;
  numbered_.back()->base = base;
  own_stack(numbered_.back().get());
  return numbered_.size();
}

void Mutator::set_saved_sp(size_t stack, uintptr_t sp) { numbered(stack)->saved_sp = sp; }

void Mutator::switch_stack(size_t stack, uintptr_t leaving_sp, const SavedRegisters& registers) {
  if (leaving_sp != 0 && stack_->base != 0 && !stack_->contains(leaving_sp)) {
    fatal("mutator '%s' leaves a stack at %#lx, which is not on it (%#lx to %#lx)", name().c_str(),
          leaving_sp, stack_->low, stack_->base);
  }
  stack_->park(leaving_sp, registers);
  stack_ = numbered(stack);
  stack_->unpark();
}

// For a mutator that goes, when what they hold is shaded.
void Mutator::release_stacks() {
  StackList::remove(&own_stack_);
  for (const auto& stack : numbered_) StackList::remove(stack.get());
  while (StackRange* stack = stacks_.first()) {
    StackList::remove(stack);
    gc_->parked_stacks.add(stack);
  }
}

}  // namespace greyhound::gc
