// SPDX-License-Identifier: MIT
// gccheckmark: an oracle for the concurrent marker. With every mutator held, a plain depth-first
// walk from the roots, with a bitmap of its own and none of the marker's code, finds what is
// reachable; an object that is reachable and unmarked would be freed by the sweep, so it is fatal,
// with the path's last edge. As Go's mcheckmark.go in purpose.
//
// Stack words need care. The mutators ran on since their last scan, and a new frame may lie over
// old words that still look like pointers to garbage: an unmarked object behind such a word is no
// evidence. So words that the last scan saw must be marked, precise roots and heap edges always,
// and of the other stack words only those that lead to marked objects are followed.
#include <utility>
#include <vector>

#include "gc/collector.h"
#include "runtime/base/check.h"

namespace greyhound::gc {
namespace {

class Checker {
 public:
  // Stops when it has found `most`.
  Checker(Heap* heap, size_t most) : heap_(heap), most_(most) {
    visited_.assign(heap_->frontier_bytes() / kGranule / 64 + 1, 0);
  }

  void root(uintptr_t word, const char* kind, bool must_be_marked) {
    const FoundObject found = heap_->find_object(word);
    if (found.base == 0 || !heap_->allocs.test(found.base)) return;
    if (!must_be_marked && !heap_->marks.test(found.base)) return;
    visit(found, 0, kind);
    while (!stack_.empty() && found_.size() < most_) {
      const FoundObject object = stack_.back();
      stack_.pop_back();
      scan(object);
    }
  }

  std::vector<UnmarkedObject> take_found() { return std::move(found_); }

 private:
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
    const size_t bytes =
        object.span->size_class == kLargeClass ? object.span->bytes() : object.span->elem_size;
    for (size_t word = 0; word < bytes / kWordBytes; ++word) {
      const size_t in_elem = word % layout->elem_words;
      if (in_elem >= layout->ptr_words || ((layout->mask[in_elem / 64] >> (in_elem % 64)) & 1) == 0)
        continue;
      const FoundObject child =
          heap_->find_object(load_word(reinterpret_cast<void*>(object.base + word * 8)));
      if (child.base != 0) visit(child, object.base, "field");
    }
  }

  Heap* heap_;
  const size_t most_;
  std::vector<UnmarkedObject> found_;
  std::vector<uint64_t> visited_;
  std::vector<FoundObject> stack_;
};

}  // namespace

void Collector::checkmark(const char* when) {
  const bool held = world.parked();
  if (!held) hold_world();
  for (const UnmarkedObject& lost : find_unmarked(1)) {
    char what[512];
    describe_address(*this, lost.object, what, sizeof what);
    char from[512] = "";
    if (lost.parent != 0) describe_address(*this, lost.parent, from, sizeof from);
    fatal("checkmark at %s of cycle %llu: an object is reachable from a %s but not marked: %s%s%s",
          when, static_cast<unsigned long long>(completed_cycles() + 1), lost.from, what,
          lost.parent != 0 ? "; the field is in " : "", from);
  }
  if (!held) world.release_all();
}

// At most `most` of what is reachable and unmarked. REQUIRES: no mutator runs.
std::vector<UnmarkedObject> Collector::find_unmarked(size_t most) {
  Checker checker(&heap, most);
  persistents.for_each([&](uintptr_t word) { checker.root(word, "persistent handle", true); });
  parked_stacks.for_each_word(heap.base(), heap.size(), [&](uintptr_t word) {
    checker.root(word, "parked stack", parked_for_cycle_);
  });
  for (uintptr_t word : root_words_) checker.root(word, "scanned stack word", true);
  for (uintptr_t word : precise_root_words_) checker.root(word, "scanned handle", true);
  world.for_each([&](Mutator* mutator) {
    mutator->collect_root_words();
    const std::vector<uintptr_t>& words = mutator->root_words();
    for (size_t i = 0; i < words.size(); ++i) {
      const bool precise = i >= mutator->conservative_words();
      checker.root(words[i], precise ? "handle" : "stack word", precise || parked_for_cycle_);
    }
    mutator->clear_root_words();
  });
  return checker.take_found();
}

}  // namespace greyhound::gc
