// SPDX-License-Identifier: MIT
// Map<K, V>: Go's map for C++ code. A thin handle over a hmap*: copying it copies the reference, and a
// default-made one is Go's nil map (reads find nothing, writes panic).
//
//   auto ages = Map<int64_t, int64_t>::make();
//   ages.insert_or_assign(7, 42);
//   if (const int64_t* age = ages.find(7)) ...
//   for (auto [key, value] : ages) ...
//
// A handle is a plain pointer: keep it on a stack that the collector scans, or keep the header in a
// Ref<hmap> of a heap object and make a handle from it. Lookups are inline and specialised by the key's
// type; writes call the functions of fast32.h, fast64.h, faststr.h or assign.h.
//
// K and V: types with a descriptor (greyhound::type_of<T>()) that may be copied by bytes: numbers,
// enums, pointers, Ref<T>, strings, interfaces, GREYHOUND_TYPE structs. K must be comparable.
//
// Pointers given by find() and references given by iteration are valid until the map's next write. An
// elem that holds raw pointers is given as const, since storing through it would pass by the barrier.
// Out of memory: make() gives a handle that is false, insert_or_assign() returns false, assign() gives
// a writer that is false. Thread rules as in hmap.h.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <type_traits>

#include "gc/write_barrier.h"
#include "maps/assign.h"
#include "maps/fast32.h"
#include "maps/fast64.h"
#include "maps/faststr.h"
#include "maps/iterate.h"
#include "maps/lookup_inl.h"
#include "runtime/base/check.h"
#include "runtime/base/type_of.h"

namespace greyhound::maps {

// Laid out as StringWords, whatever the string class is called.
template <class T>
concept StringKey = std::convertible_to<T, std::string_view> && sizeof(T) == sizeof(StringWords);

template <class K>
consteval FastPath path_for() {
  if constexpr (std::is_integral_v<K> || std::is_enum_v<K>) {
    return sizeof(K) == 8 ? FastPath::kFast64 : sizeof(K) == 4 ? FastPath::kFast32 : FastPath::kGeneric;
  }
  if constexpr (std::is_pointer_v<K>) return FastPath::kFast64Ptr;
  if constexpr (StringKey<K>) return FastPath::kFastStr;
  return FastPath::kGeneric;
}

template <class K, class V>
class Map {
  static constexpr FastPath kPath = path_for<K>();
  static constexpr bool kIndirect = sizeof(V) > kMaxInlineBytes || alignof(V) > kWordBytes;
  using Shape = StaticShape<sizeof(K), sizeof(V), kIndirect>;

 public:
  // Noscan scalars and types whose fields store through the barrier themselves may be written in place.
  using Elem = std::conditional_t<std::is_pointer_v<V> || StringKey<V>, const V, V>;
  struct Entry {
    const K& key;
    Elem& value;
  };

  Map() = default;
  explicit Map(hmap* header) : h_(header) {}
  static Map make(size_t hint = 0) { return Map(makemap(type(), hint)); }

  // The descriptor that every Map<K, V> shares.
  static const MapType* type() {
    static const MapType shared(type_of<K>(), type_of<V>());
    DCHECK(kPath == FastPath::kGeneric || shared.path == kPath);
    return &shared;
  }

  explicit operator bool() const { return h_ != nullptr; }
  hmap* header() const { return h_; }
  int64_t size() const { return maplen(h_); }
  bool empty() const { return size() == 0; }

  // The elem of `key`; null when there is none.
  Elem* find(const K& key) const {
    if constexpr (kPath == FastPath::kGeneric) {
      const ElemOk entry = mapaccess2(type(), h_, &key);
      return entry.ok ? static_cast<Elem*>(const_cast<void*>(entry.elem)) : nullptr;
    } else {
      const Slot slot = find_entry(Shape{}, h_, key_of(key));
      return slot.bucket == nullptr ? nullptr : static_cast<Elem*>(elem_of(Shape{}, slot));
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
    explicit operator bool() const { return slot_ != nullptr; }
    void operator=(const V& value) const { store(slot_, value); }
    const V& operator*() const { return *static_cast<const V*>(slot_); }

   private:
    friend class Map;
    explicit Writer(void* slot) : slot_(slot) {}
    void* slot_;
  };

  // The elem of `key`, inserted as zero if it is missing. False: out of memory.
  Writer assign(const K& key) const { return Writer(assign_slot(key)); }
  bool insert_or_assign(const K& key, const V& value) const {
    void* slot = assign_slot(key);
    if (slot == nullptr) [[unlikely]] return false;
    store(slot, value);
    return true;
  }

  void erase(const K& key) const {
    if constexpr (kPath == FastPath::kFast32) {
      mapdelete_fast32(type(), h_, static_cast<uint32_t>(key));
    } else if constexpr (kPath == FastPath::kFast64 || kPath == FastPath::kFast64Ptr) {
      mapdelete_fast64(type(), h_, key_of(key).value);
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
      return {*static_cast<const K*>(it_.key), *static_cast<Elem*>(it_.elem)};
    }
    Iterator& operator++() {
      mapiternext(&it_);
      return *this;
    }
    bool operator==(std::default_sentinel_t) const { return it_.key == nullptr; }

   private:
    hiter it_;
  };
  Iterator begin() const { return Iterator(h_); }
  std::default_sentinel_t end() const { return {}; }

 private:
  static auto key_of(const K& key) {
    if constexpr (kPath == FastPath::kFast32) {
      return Key32{static_cast<uint32_t>(key)};
    } else if constexpr (kPath == FastPath::kFast64) {
      return Key64{static_cast<uint64_t>(key)};
    } else if constexpr (kPath == FastPath::kFast64Ptr) {
      return Key64{reinterpret_cast<uint64_t>(key)};
    } else {
      const std::string_view text = key;
      return KeyStr{text.data(), text.size()};
    }
  }

  void* assign_slot(const K& key) const {
    if constexpr (kPath == FastPath::kFast32) {
      return mapassign_fast32(type(), h_, static_cast<uint32_t>(key));
    } else if constexpr (kPath == FastPath::kFast64) {
      return mapassign_fast64(type(), h_, static_cast<uint64_t>(key));
    } else if constexpr (kPath == FastPath::kFast64Ptr) {
      return mapassign_fast64ptr(type(), h_, const_cast<void*>(static_cast<const void*>(key)));
    } else if constexpr (kPath == FastPath::kFastStr) {
      return mapassign_faststr(type(), h_, key);
    } else {
      return mapassign(type(), h_, &key);
    }
  }

  static void store(void* slot, const V& value) {
    if constexpr (std::is_arithmetic_v<V> || std::is_enum_v<V>) {
      *static_cast<V*>(slot) = value;
    } else if constexpr (std::is_pointer_v<V>) {
      gc::write_pointer(static_cast<void**>(slot),
                        const_cast<void*>(static_cast<const void*>(value)));
    } else {
      gc::typedmemmove(type()->elem, slot, &value);
    }
  }

  hmap* h_ = nullptr;
};

}  // namespace greyhound::maps
