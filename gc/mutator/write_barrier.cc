// SPDX-License-Identifier: MIT
#include "gc/mutator/write_barrier.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "gc/heap/describe.h"
#include "gc/mutator/collector_state.h"
#include "gc/mutator/pieces.h"
#include "runtime/base/check.h"

namespace greyhound::gc {
namespace {

template <class Visit>
void for_each_pointer_word(const Type* type, Visit visit) {
  const size_t words = type->ptrdata / kWordBytes;
  for (size_t start = 0; start < words; start += 64) {
    uint64_t mask = type->ptrmask[start / 64];
    if (words - start < 64) mask &= (uint64_t{1} << (words - start)) - 1;
    for (; mask != 0; mask &= mask - 1) visit(start + static_cast<size_t>(std::countr_zero(mask)));
  }
}

// Pointer words as words; the bytes between them are nobody's but the mutator's.
template <class Value>
void store_words(const Type* type, void* destination, Value value) {
  auto* to = static_cast<uintptr_t*>(destination);
  // Types with pointers are whole words, so copying word by word loses nothing and keeps it simple.
  for (size_t i = 0; i < type->size / kWordBytes; ++i) store_word(to + i, value(i));
}

// Fatal when `value` points into an object where only a base may be stored. Tiny objects share a
// granule, and with it a mark: any address in it is as good as its first. Looks at no allocation
// bit, which a sweep may be writing.
void require_base(const Mutator& mutator, uintptr_t value) {
  const mheap& heap = mutator.collector()->heap;
  if (value == 0 || !heap.contains(value)) return;
  const FoundObject found = heap.findObject(value);
  if (found.base == value) return;
  if (found.base != 0 && found.span->noscan && value - found.base < kGranule &&
      found.span->elem_size == kGranule)
    return;
  char what[512];
  describe_address(mutator.collector()->heap, value, what, sizeof what);
  fatal(
      "a reference that is not the base of an object is stored: %s; a Ref (and a "
      "TypeBuilder::reference() field) holds null or what make() gave, InteriorRef (interior()) "
      "points anywhere into an object",
      what);
}

// Whether `slot` lies in an object all of whose pointer words are bases.
bool holds_bases(const Mutator& mutator, const void* slot) {
  const mheap& heap = mutator.collector()->heap;
  const FoundObject holder = heap.findObject(reinterpret_cast<uintptr_t>(slot));
  return holder.base != 0 && heap.layout_of(holder.span, holder.index)->exact;
}

// The barrier for one value of `type`: for the old ones in `destination` as the mode wants it, for
// the new ones in `source` unless that is null.
void bulk_barrier(const Type* type, const void* destination, const void* source) {
  if (!tls_mutator->barrier_on.load(std::memory_order_relaxed)) return;
  if (bug(Bug::kNoBarrierInTypedmove)) return;
  Mutator* mutator = current_mutator();
  if (mutator->checks_refs()) {
    if (type->exact() && source != nullptr) {
      const auto* words = static_cast<const uintptr_t*>(source);
      for_each_pointer_word(type,
                            [&](size_t word) { require_base(*mutator, load_word(words + word)); });
    }
    if (!mutator->shading()) return;
  }
  const auto shade_all = [&](const void* value) {
    const auto* words = static_cast<const uintptr_t*>(value);
    for_each_pointer_word(type, [&](size_t word) {
      mutator->shades().shade(load_word(words + word), type->exact());
    });
  };
  if (mutator->shades_old_values() && !bug(Bug::kOldValueNotShaded)) shade_all(destination);
  if (source != nullptr) shade_all(source);
}

size_t values_at_once(const Type* type) {
  return std::max<size_t>(1, kPieceBytes / std::max<size_t>(1, type->size));
}

}  // namespace

void write_barrier_slow(const void* slot, const void* value, bool exact) {
  Mutator* mutator = current_mutator();
  if (mutator->checks_refs()) {
    if (exact || (slot != nullptr && holds_bases(*mutator, slot)))
      require_base(*mutator, reinterpret_cast<uintptr_t>(value));
    if (!mutator->shading()) return;
  }
  if (slot != nullptr && mutator->shades_old_values() && !bug(Bug::kOldValueNotShaded)) {
    if (const uintptr_t old = load_word(slot); old != 0) mutator->shades().shade(old, exact);
  }
  if (value != nullptr) mutator->shades().shade(reinterpret_cast<uintptr_t>(value), exact);
}

void typedmemmove(const Type* type, void* destination, const void* source) {
  if (type->noscan()) {
    std::memmove(destination, source, type->size);
    return;
  }
  bulk_barrier(type, destination, source);
  const auto* from = static_cast<const uintptr_t*>(source);
  store_words(type, destination, [from](size_t i) { return load_word(from + i); });
}

void typedmemclr(const Type* type, void* destination) {
  if (type->noscan()) {
    std::memset(destination, 0, type->size);
    return;
  }
  bulk_barrier(type, destination, nullptr);
  store_words(type, destination, [](size_t) { return uintptr_t{0}; });
}

void typedmemmove_array(const Type* type, void* destination, const void* source, size_t count) {
  auto* to = static_cast<char*>(destination);
  const auto* from = static_cast<const char*>(source);
  const size_t at_once = values_at_once(type);
  in_pieces("typedmemmove_array", count, at_once, to, from, [=](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i)
      typedmemmove(type, to + i * type->size, from + i * type->size);
  });
}

void typedmemclr_array(const Type* type, void* destination, size_t count) {
  auto* to = static_cast<char*>(destination);
  const size_t at_once = values_at_once(type);
  in_pieces("typedmemclr_array", count, at_once, to, nullptr, [=](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) typedmemclr(type, to + i * type->size);
  });
}

}  // namespace greyhound::gc
