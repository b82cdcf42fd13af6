// SPDX-License-Identifier: MIT
#include "gc/heap/layout.h"

#include "gc/heap/mcentral.h"
#include "gc/watch/wait_profile.h"
#include "runtime/base/check.h"

namespace greyhound::gc {
namespace {

// The mask of one element, words at and beyond ptrdata dropped.
std::unique_ptr<Layout> describe(const Type* type, SizeClass size_class) {
  auto layout = std::make_unique<Layout>();
  layout->size_class = size_class;
  if (type == nullptr || type->noscan()) return layout;
  layout->exact = type->exact();
  layout->walked = (type->flags & kTypeNeverWalked) == 0 && !is_single(*type, size_class);
  layout->elem_words = static_cast<uint32_t>(type->size / kWordBytes);
  layout->ptr_words = static_cast<uint32_t>(type->ptrdata / kWordBytes);
  const size_t mask_words = (layout->ptr_words + 63) / 64;
  layout->mask.assign(type->ptrmask, type->ptrmask + mask_words);
  if (layout->ptr_words % 64 != 0) {
    layout->mask.back() &= (uint64_t{1} << (layout->ptr_words % 64)) - 1;
  }
  return layout;
}

// layout.h, invariant 2: small slots get the mask repeated, so scanning one is a loop over set
// bits.
void repeat_to_slot(Layout* layout) {
  if (layout->size_class == kLargeClass || layout->noscan()) return;
  const size_t slot_words = kSizeClasses[layout->size_class].size / kWordBytes;
  if (slot_words > 64) return;
  for (size_t start = 0; start + layout->elem_words <= slot_words; start += layout->elem_words) {
    layout->slot_mask |= layout->mask[0] << start;
  }
}

// Larger ones are scanned element by element: as many as fit are made one of up to 64 words, so
// that an array of pointers is not a loop around one word.
void repeat_to_word(Layout* layout) {
  if (layout->slot_mask != 0 || layout->elem_words > 32) return;
  const uint32_t copies = 64 / layout->elem_words;
  const uint64_t one = layout->mask[0];
  for (uint32_t i = 1; i < copies; ++i) layout->mask[0] |= one << (i * layout->elem_words);
  layout->ptr_words += (copies - 1) * layout->elem_words;
  layout->elem_words *= copies;
}

// Small slots are known by what is scanned in them, so an array of two pairs equals a struct of
// four words; larger ones by their element.
uint64_t hash_of(const Layout& layout) {
  const uint64_t kind = layout.size_class * 4u + (layout.exact ? 2 : 0) + (layout.walked ? 1 : 0);
  uint64_t hash = kind * 0x9e3779b97f4a7c15u;
  if (layout.slot_mask != 0) return (hash ^ layout.slot_mask) * 0xff51afd7ed558ccdu;
  for (uint64_t word : layout.mask) hash = (hash ^ word) * 0xff51afd7ed558ccdu;
  return (hash ^ layout.elem_words) * 0xc4ceb9fe1a85ec53u;
}

bool same(const Layout& a, const Layout& b) {
  if (a.size_class != b.size_class || a.exact != b.exact || a.walked != b.walked) return false;
  if (a.noscan() != b.noscan()) return false;
  if (a.slot_mask != 0 || b.slot_mask != 0) return a.slot_mask == b.slot_mask;
  return a.elem_words == b.elem_words && a.mask == b.mask;
}

}  // namespace

bool is_single(const Type& type, SizeClass size_class) {
  return holds_no_array(type) && !type.noscan() && type.size >= kGranule &&
         size_class != kLargeClass && size_class == size_to_class(type.size);
}

LayoutRegistry::LayoutRegistry() : table_(new std::atomic<Layout*>[kMaxLayouts + 1]()) {
  ProfiledLock lock(mutex_, "lock: layouts");
  for (size_t c = 0; c < kNumSizeClasses; ++c) {
    auto layout = std::make_unique<Layout>();
    layout->size_class = static_cast<SizeClass>(c);
    noscan_[c] = add(std::move(layout));
    noscan_[c]->central.store(new mcentral, std::memory_order_release);
  }
  GREYHOUND_CHECK(table_[kNoType].load(std::memory_order_relaxed)->noscan());
}

LayoutRegistry::~LayoutRegistry() {
  for (const auto& layout : owned_) delete layout->central.load(std::memory_order_relaxed);
}

Layout* LayoutRegistry::add(std::unique_ptr<Layout> layout) {
  layout->id = static_cast<uint32_t>(owned_.size());
  Layout* result = layout.get();
  owned_.push_back(std::move(layout));
  table_[result->id].store(result, std::memory_order_release);
  count_.store(static_cast<uint32_t>(owned_.size()), std::memory_order_release);
  return result;
}

Layout* LayoutRegistry::intern(const Type* type, SizeClass size_class) {
  if (type == nullptr || type->noscan()) return noscan_[size_class];
  auto layout = describe(type, size_class);
  layout->type_name = type->name;
  repeat_to_slot(layout.get());
  repeat_to_word(layout.get());
  const uint64_t hash = hash_of(*layout);
  ProfiledLock lock(mutex_, "lock: layouts");
  auto [first, last] = by_hash_.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    if (same(*it->second, *layout)) return it->second;
  }
  if (owned_.size() > kMaxLayouts - kNumSizeClasses) return any_words(size_class);
  Layout* added = add(std::move(layout));
  by_hash_.emplace(hash, added);
  return added;
}

Layout* LayoutRegistry::any_words(SizeClass size_class) {
  Layout*& shared = any_words_[size_class];
  if (shared == nullptr) {
    auto layout = std::make_unique<Layout>();
    layout->size_class = size_class;
    layout->ptr_words = 1;
    layout->mask = {1};
    layout->type_name = "any words";
    repeat_to_slot(layout.get());
    repeat_to_word(layout.get());
    shared = add(std::move(layout));
  }
  return shared;
}

void LayoutRegistry::try_promote(Layout* layout) {
  ProfiledLock lock(mutex_, "lock: layouts");
  if (layout->central.load(std::memory_order_relaxed) != nullptr) return;
  if (own_count_[layout->size_class] >= kMaxOwnLayoutsPerClass) return;
  ++own_count_[layout->size_class];
  layout->central.store(new mcentral, std::memory_order_release);
}

}  // namespace greyhound::gc
