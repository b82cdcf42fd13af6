// SPDX-License-Identifier: MIT
// Map<K, V>: Go's map for C++ code. A thin handle over a hmap*: copying it copies the reference,
// and a default-made one is Go's nil map (reads find nothing, writes panic).
//
//   auto ages = Map<int64_t, int64_t>::make();
//   ages.insert_or_assign(7, 42);
//   if (const int64_t* age = ages.find(7)) ...
//   for (auto [key, value] : ages) ...
//
// A handle is a plain pointer: keep it on a stack that the collector scans, or keep header() in a
// Ref<hmap> of a heap object and make a handle from it. Lookups and steps of an iteration are
// inline and specialised by the types; writes call fast32.h, fast64.h, faststr.h or assign.h.
//
// K and V are types with a descriptor (runtime/base/type_of.h): numbers, enums, Ref<T>, strings,
// interfaces, and structs and arrays of these, which are compared field by field (type_of.h).
//
// Arguments may lie in the map itself: m.insert_or_assign(i, *m.find(0)), m.assign(i) = *m.find(0),
// and m.erase(key) for the key that an iteration has in hand. What find() and iteration gave may be
// written through until the map's next write; it may be read, with the value of then, as long as
// its entry is not removed. With precise stack roots the iterator keeps what it gave last, and
// nothing keeps what find() gave beyond the next call.
//
// Out of memory: make() returns a handle that is false, insert_or_assign() returns false, assign()
// returns a writer that is false. Thread rules as in hmap.h; writes and iteration are safepoints,
// lookups not.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string_view>
#include <type_traits>

#include "gc/mutator/root_slots.h"
#include "maps/assign.h"
#include "maps/fast32.h"
#include "maps/fast64.h"
#include "maps/faststr.h"
#include "maps/iterate.h"
#include "maps/iterate_inl.h"
#include "maps/lookup_inl.h"
#include "runtime/base/check.h"
#include "runtime/base/type_of.h"

namespace greyhound::maps {

// A faster way to what the descriptor says, for a struct or an array that is compared as memory;
// empty for other keys.
template <class K>
constexpr KeyOps key_ops_of() {
  static_assert(comparable(*type_of<K>()),
                "values of this type cannot be compared, so they cannot be the keys of a map: it "
                "needs operator== and hash_value(const K&, uint64_t seed)");
  constexpr Kind kind = TypeTraits<K>::kKind;
  if constexpr ((kind != Kind::kStruct && kind != Kind::kArray) || !regular_memory(*type_of<K>())) {
    return {};
  } else {
    return {[](const void* key, uint64_t seed) { return hash_bytes(key, sizeof(K), seed); },
            [](const void* a, const void* b) { return std::memcmp(a, b, sizeof(K)) == 0; }, true};
  }
}

// Keeps what `bytes` from `words` refer to alive where stacks are not scanned, also while an
// out-of-memory handler unwinds.
class RootScope {
 public:
  RootScope(const void* words, size_t bytes) {
    range_.begin = static_cast<const uintptr_t*>(words);
    range_.count = bytes / kWordBytes;
    gc::add_root(&range_);
  }
  ~RootScope() { gc::remove_root(&range_); }
  RootScope(const RootScope&) = delete;
  RootScope& operator=(const RootScope&) = delete;

 private:
  gc::RootRange range_;
};

template <class K, class V>
class Map {
  static constexpr FastPath kPath = fast_path(TypeTraits<K>::kKind, sizeof(K));
  using Shape = StaticShape<K, V>;

 public:
  struct Entry {
    const K& key;
    V& value;
  };

  Map() = default;
  explicit Map(hmap* header) : h_(header) {}
  static Map make(size_t hint = 0) {
    hmap* h = makemap(type(), 0);
    if (h == nullptr || hint <= kBucketSlots) return Map(h);
    const RootScope rooted(&h, sizeof h);
    return Map(mapreserve(type(), h, hint) ? h : nullptr);
  }

  // The descriptor that every Map<K, V> shares.
  static const MapType* type() {
    // Never destroyed: a runtime with static storage may outlive what is made later.
    static const MapType* const shared = new MapType(type_of<K>(), type_of<V>(), key_ops_of<K>());
    return shared;
  }

  explicit operator bool() const { return h_ != nullptr; }
  hmap* header() const { return h_; }
  int64_t size() const { return maplen(h_); }
  bool empty() const { return size() == 0; }

  // The elem of `key`; null when there is none.
  V* find(const K& key) const {
    if constexpr (kPath == FastPath::kGeneric) {
      const ElemOk entry = mapaccess2(type(), h_, &key);
      return entry.ok ? static_cast<V*>(const_cast<void*>(entry.elem)) : nullptr;
    } else {
      const Slot slot = find_slot(key);
      return slot.bucket == nullptr ? nullptr : static_cast<V*>(elem_of(Shape{}, slot));
    }
  }
  bool contains(const K& key) const { return find(key) != nullptr; }
  // The elem of `key`, or V{}: Go's m[key].
  V get(const K& key) const {
    const V* elem = find(key);
    return elem == nullptr ? V{} : *elem;
  }

  // Stores an elem that assign() has found or made. Use it at once: a write to the map ends it.
  class Writer {
   public:
    explicit operator bool() const { return elem_ != nullptr; }
    const Writer& operator=(const V& value) const {
      *elem_ = value;  // V's fields store through the barrier themselves
      return *this;
    }
    V& operator*() const { return *elem_; }

   private:
    friend class Map;
    explicit Writer(V* elem) : elem_(elem) {}
    V* elem_;
  };

  // The elem of `key`, inserted as V{} if it is missing: Go's m[key] on the left of `=`.
  Writer assign(const K& key) const {
    if constexpr (!kZeroDefault<V>) {
      if (find(key) == nullptr) return assign_default(key);
    }
    return Writer(static_cast<V*>(assign_elem(key)));
  }
  bool insert_or_assign(const K& key, const V& value) const {
    auto* elem = static_cast<V*>(assign_elem(key));
    if (elem == nullptr) [[unlikely]]
      return false;
    *elem = value;
    return true;
  }

  void erase(const K& key) const {
    if constexpr (kPath == FastPath::kFast32) {
      mapdelete_fast32(type(), h_, search_key(key).value);
    } else if constexpr (kPath == FastPath::kFast64 || kPath == FastPath::kFast64Ptr) {
      mapdelete_fast64(type(), h_, search_key(key).value);
    } else if constexpr (kPath == FastPath::kFastStr) {
      mapdelete_faststr(type(), h_, key);
    } else {
      mapdelete(type(), h_, &key);
    }
  }
  void clear() const { mapclear(type(), h_); }

  // Range-for. The map may be written meanwhile, with Go's promises (iterate.h).
  class Iterator {
   public:
    explicit Iterator(hmap* h) { mapiterinit(type(), h, &it_); }
    Entry operator*() const {
      return {*static_cast<const K*>(it_.key), *static_cast<V*>(it_.elem)};
    }
    Iterator& operator++() {
      if (it_.h->has(kHashWriting) || !step_in_place(Shape{}, &it_)) mapiternext(&it_);
      return *this;
    }
    bool operator==(std::default_sentinel_t) const { return it_.key == nullptr; }

   private:
    hiter it_;
  };
  Iterator begin() const { return Iterator(h_); }
  std::default_sentinel_t end() const { return {}; }

 private:
  Slot find_slot(const K& key) const {
    if constexpr (kPath == FastPath::kFastStr) return find_string(Shape{}, h_, search_key(key));
    return find_entry(Shape{}, h_, search_key(key));
  }

  static auto search_key(const K& key) {
    if constexpr (kPath == FastPath::kFast32) {
      return Key32{load_unaligned<uint32_t>(&key)};
    } else if constexpr (kPath == FastPath::kFastStr) {
      const std::string_view text = key;
      return KeyStr{text.data(), text.size()};
    } else {
      return Key64{load_unaligned<uint64_t>(&key)};
    }
  }

  GREYHOUND_NOINLINE Writer assign_default(const K& key) const {
    V value{};
    const RootScope rooted(&value, sizeof value);
    auto* elem = static_cast<V*>(assign_elem(key));
    if (elem != nullptr) *elem = value;
    return Writer(elem);
  }

  void* assign_elem(const K& key) const {
    if constexpr (kPath == FastPath::kFast32) {
      return mapassign_fast32(type(), h_, search_key(key).value);
    } else if constexpr (kPath == FastPath::kFast64) {
      return mapassign_fast64(type(), h_, search_key(key).value);
    } else if constexpr (kPath == FastPath::kFast64Ptr) {
      return mapassign_fast64ptr(type(), h_, load_unaligned<void*>(&key));
    } else if constexpr (kPath == FastPath::kFastStr) {
      return mapassign_faststr(type(), h_, key);
    } else {
      return mapassign(type(), h_, &key);
    }
  }

  hmap* h_ = nullptr;
};

}  // namespace greyhound::maps
