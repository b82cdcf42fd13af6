// SPDX-License-Identifier: MIT
// gccheckmark: an oracle for the concurrent marker. With every mutator held, a plain depth-first
// walk from the roots, with a bitmap of its own and none of the code of marker and root scan, finds
// what is reachable; an object that is reachable and unmarked would be freed by the sweep, so it is
// fatal, with the path's last edge. As Go's mcheckmark.go in purpose. Only what an ambiguous root
// word stands for is asked where the collector asks, in root_resolver.h.
//
// Stack words need care. The mutators ran on since their last scan, and a new frame may lie over
// old words that still look like pointers to garbage: an unmarked object behind such a word is no
// evidence. So words that the last scan saw must be marked, precise roots and heap edges always,
// and of the other stack words only those that lead to marked objects are followed.
#include <utility>
#include <vector>

#include "gc/cycle/collector.h"
#include "gc/heap/describe.h"
#include "gc/mark/root_resolver.h"
#include "runtime/base/check.h"

namespace greyhound::gc {

// The roots of a mutator, one by one: what a scan forgets, collecting the words as the scan does
// would forget as well.
struct CheckmarkRoots {
  template <class Exact, class Ambiguous>
  static void visit(const Mutator& mutator, Exact exact, Ambiguous ambiguous) {
    for (const HandleSlot* slot = mutator.roots_.handles_.next; slot != &mutator.roots_.handles_;
         slot = slot->next)
      exact(slot->value);
    for (const RootRange* range = mutator.roots_.ranges_.next; range != &mutator.roots_.ranges_;
         range = range->next) {
      for (size_t i = 0; i < range->count; ++i) {
        if (range->ambiguous) {
          ambiguous(range->begin[i]);
        } else {
          exact(range->begin[i]);
        }
      }
    }
    if (mutator.scans_stacks) {
      for (uintptr_t word : mutator.roots_.stacks.registers_) ambiguous(word);
      for (uintptr_t word : mutator.roots_.stacks.frame_) ambiguous(word);
    }
    mutator.roots_.stacks.all_.for_each([&](const StackRange& stack) {
      if (stack.saved_sp == 0) return;
      for (uintptr_t word : stack.registers) ambiguous(word);
      visit_words(stack.saved_sp, stack.base, ambiguous);
    });
  }

 private:
  template <class Visit>
  GREYHOUND_NO_SANITIZE static void visit_words(uintptr_t low, uintptr_t high, Visit visit) {
    for (uintptr_t at = align_up(low, kWordBytes); at + kWordBytes <= high; at += kWordBytes)
      visit(*reinterpret_cast<const volatile uintptr_t*>(at));
  }
};

namespace {

class Checker {
 public:
  // Stops when it has found `most`.
  Checker(mheap* heap, size_t most) : heap_(heap), most_(most) {
    visited_.assign(heap_->frontier_bytes() / kGranule / 64 + 1, 0);
  }

  // A word that means the object it points into.
  void root(uintptr_t word, const char* kind) {
    const FoundObject found = heap_->findObject(word);
    if (found.base != 0 && heap_->allocs.test(found.base)) root_object(found, kind, true);
  }
  void ambiguous_root(uintptr_t word, const char* kind, bool must_be_marked) {
    for_each_root_object(
        *heap_, word, [&](const FoundObject& found) { root_object(found, kind, must_be_marked); });
  }

  std::vector<UnmarkedObject> take_found() { return std::move(found_); }

 private:
  void root_object(const FoundObject& found, const char* kind, bool must_be_marked) {
    if (!must_be_marked && !heap_->marks.test(found.base)) return;
    visit(found, 0, kind);
    while (!stack_.empty() && found_.size() < most_) {
      const FoundObject object = stack_.back();
      stack_.pop_back();
      scan(object);
    }
  }

  void visit(const FoundObject& object, uintptr_t parent, const char* kind) {
    const size_t g = heap_->marks.granule(object.base);
    uint64_t& word = visited_[g >> 6];
    if ((word & HeapBitmap::bit(g)) != 0) return;
    word |= HeapBitmap::bit(g);
    if (!heap_->marks.test(object.base) && found_.size() < most_)
      found_.push_back({object.base, parent, kind});
    stack_.push_back(object);
  }

  void scan(const FoundObject& object) {
    const Layout* layout = heap_->layout_of(object.span, object.index);
    if (layout->noscan()) return;
    for (size_t word = 0; word < object.span->slot_bytes() / kWordBytes; ++word) {
      const size_t in_elem = word % layout->elem_words;
      if (in_elem >= layout->ptr_words || ((layout->mask[in_elem / 64] >> (in_elem % 64)) & 1) == 0)
        continue;
      const FoundObject child =
          heap_->findObject(load_word(reinterpret_cast<void*>(object.base + word * 8)));
      // An interior pointer may be one past its object's end, in the next slot, which may be free.
      if (child.base == 0 || (!layout->exact && !heap_->allocs.test(child.base))) continue;
      visit(child, object.base, "field");
    }
  }

  mheap* heap_;
  const size_t most_;
  std::vector<UnmarkedObject> found_;
  std::vector<uint64_t> visited_;
  std::vector<FoundObject> stack_;
};

}  // namespace

void Cycle::checkmark(const char* when) {
  const bool held = c_->world.parked();
  if (!held) hold_world();
  for (const UnmarkedObject& lost : find_unmarked(1)) {
    char what[512];
    describe_address(c_->heap, lost.object, what, sizeof what);
    char from[512] = "";
    if (lost.parent != 0) describe_address(c_->heap, lost.parent, from, sizeof from);
    fatal("checkmark at %s of cycle %llu: an object is reachable from a %s but not marked: %s%s%s",
          when, static_cast<unsigned long long>(c_->completed_cycles() + 1), lost.from, what,
          lost.parent != 0 ? "; the field is in " : "", from);
  }
  if (!held) c_->world.release_all();
}

// At most `most` of what is reachable and unmarked. REQUIRES: no mutator runs.
std::vector<UnmarkedObject> Cycle::find_unmarked(size_t most) {
  Checker checker(&c_->heap, most);
  c_->persistents.for_each([&](uintptr_t word) { checker.root(word, "persistent handle"); });
  c_->parked_stacks.for_each_words(
      c_->heap.base(), c_->heap.size(), [&](const uintptr_t* words, size_t count) {
        for (size_t i = 0; i < count; ++i)
          checker.ambiguous_root(words[i], "parked stack", held_.for_cycle);
      });
  for (uintptr_t word : roots_.ambiguous())
    checker.ambiguous_root(word, "scanned stack word", true);
  for (uintptr_t word : roots_.precise()) checker.root(word, "scanned handle");
  c_->world.for_each([&](const Mutator* mutator) {
    CheckmarkRoots::visit(
        *mutator, [&](uintptr_t word) { checker.root(word, "handle"); },
        [&](uintptr_t word) { checker.ambiguous_root(word, "stack word", held_.for_cycle); });
  });
  return checker.take_found();
}

}  // namespace greyhound::gc
