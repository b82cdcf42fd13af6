// SPDX-License-Identifier: MIT
// A layout is what the marker must know of an object: how big a slot is and which of its words hold
// pointers. Types with the same size class and the same mask share one; spans are segregated by
// layout, so small objects carry no header and allocation writes no pointer bitmap.
//
// Invariants:
//  1. Layouts are interned per heap: what is equal in class, mask, exact and walked is one Layout.
//     None is freed before the heap, and they are immutable but for the counters at the end.
//  2. The mask describes elem_words words, one element or as many as fit 64 words, and repeats to
//     the end of the slot (arrays); trailing zero words are trimmed to ptr_words. Words past the
//     last element of a slot are zero.
//  3. noscan layouts have ptr_words 0; there is one per size class and one for large objects.
//  4. When ids run out, a size class's further types share one more layout, in which every word may
//     point anywhere (any_words): nothing is lost, a number that looks like an address keeps an
//     object.
//
// Thread rules: intern() under the registry's own lock; reading a Layout needs none.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "gc/heap/size_class.h"
#include "runtime/base/type.h"

namespace greyhound::gc {

class mcentral;

struct Layout {
  uint32_t id = 0;
  SizeClass size_class = kLargeClass;
  bool exact = false;  // every pointer is null, foreign, or an object's base
  bool walked = true;  // a pointer past its end may stand for an object (gc/mark/root_resolver.h)
  uint32_t elem_words = 1;
  uint32_t ptr_words = 0;
  // ceil(elem_words / 64) words; the element's mask.
  std::vector<uint64_t> mask;
  // When a whole slot fits 64 words: the mask repeated to the slot's end. Else 0.
  uint64_t slot_mask = 0;

  // Bytes handed out from shared spans, to decide when the layout gets spans of its own. Relaxed: a
  // stale count only delays the promotion.
  std::atomic<uint64_t> shared_bytes{0};
  // Its own spans' central list; null while it lives in shared spans. Set once, under the
  // registry's lock, with release; read with acquire.
  std::atomic<mcentral*> central{nullptr};

  // Of the first type that was found to have it, for reports.
  std::string type_name = "without pointers";

  bool noscan() const { return ptr_words == 0; }
};

// Whether the objects of `type` in the class are single values, none of which holds an array: two
// of a granule or more are in another class, and one that is an array newarray() puts there, too.
bool is_single(const Type& type, SizeClass size_class);

// A layout gets spans of its own after this many bytes of it...
inline constexpr uint64_t kPromoteBytes = 32 << 10;
// ...and only this many layouts of a size class do.
inline constexpr unsigned kMaxOwnLayoutsPerClass = 32;
// Ids fit the 16-bit per-slot record of a shared span.
inline constexpr uint32_t kMaxLayouts = 65535;

class LayoutRegistry {
 public:
  LayoutRegistry();
  ~LayoutRegistry();
  LayoutRegistry(const LayoutRegistry&) = delete;
  LayoutRegistry& operator=(const LayoutRegistry&) = delete;

  // The layout of a slot of class `size_class` (kLargeClass for large) that holds one `type` or an
  // array of them. Null type or a noscan one gives the class's noscan layout. The last ids are kept
  // for layouts of any words, which types beyond kMaxLayouts get.
  Layout* intern(const Type* type, SizeClass size_class);
  Layout* noscan(SizeClass size_class) { return noscan_[size_class]; }
  // What a slot of a shared span has for an id until it is handed out: that of a layout without
  // pointers, which says nothing of the slot's size.
  static constexpr uint16_t kNoType = 0;
  Layout* by_id(uint32_t id) const { return table_[id].load(std::memory_order_acquire); }
  uint32_t count() const { return count_.load(std::memory_order_acquire); }

  // Decides whether `layout` may own spans now; at most kMaxOwnLayoutsPerClass of a class may.
  void try_promote(Layout* layout);

 private:
  friend class CollectorFork;
  // Both: REQUIRES mutex_ held.
  Layout* add(std::unique_ptr<Layout> layout);
  Layout* any_words(SizeClass size_class);

  std::mutex mutex_;
  std::vector<std::unique_ptr<Layout>> owned_;          // protected by mutex_
  std::unordered_multimap<uint64_t, Layout*> by_hash_;  // protected by mutex_
  unsigned own_count_[kNumSizeClasses] = {};            // protected by mutex_
  std::unique_ptr<std::atomic<Layout*>[]> table_;       // release by add, acquire by by_id
  std::atomic<uint32_t> count_{0};
  Layout* noscan_[kNumSizeClasses] = {};
  Layout* any_words_[kNumSizeClasses] = {};  // protected by mutex_; null until needed
};

}  // namespace greyhound::gc
