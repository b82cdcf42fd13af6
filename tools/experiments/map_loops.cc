// SPDX-License-Identifier: MIT
#include "tools/experiments/map_loops.h"

#include <new>

namespace greyhound::lab {
namespace {

using maps::ElemOk;
using maps::Map;

struct Wide {
  std::array<int64_t, 8> words;
};

// Where `&v` goes, so that it escapes.
struct AddressSink {
  Ref<int64_t> v;
};

constexpr size_t kKeyBytes = 6;
constexpr auto kKeyTexts = [] {
  std::array<char, kKeys * kKeyBytes> texts{};
  for (size_t i = 0; i < kKeys; ++i) {
    const char text[] = {
        'k', 'e', 'y', '-', static_cast<char>('0' + i / 10), static_cast<char>('0' + i % 10)};
    for (size_t c = 0; c < kKeyBytes; ++c) texts[i * kKeyBytes + c] = text[c];
  }
  return texts;
}();

int64_t number(uint64_t i) { return static_cast<int64_t>(1000 + i); }

template <class V>
GREYHOUND_INLINE V* assigned(const maps::MapType* type, maps::hmap* map, std::string_view key) {
  void* elem = maps::mapassign_faststr(type, map, key);
  if (elem == nullptr) [[unlikely]]
    throw std::bad_alloc();
  return static_cast<V*>(elem);
}

// m[k] = value on a map[string]any: the box first, then the slot, then the two words with the
// barrier.
template <class Value>
Measurement write_any(uint64_t ops, Value value) {
  MeasuredRuntime measured;
  maps::hmap* const map = map_of<eface>([](uint64_t) { return eface(); });
  const maps::MapType* const type = Map<String, eface>::type();
  Measurement m = measured.measure(ops, [&](uint64_t i) {
    void* const box = runtime::convT64(static_cast<uint64_t>(value(i)));
    *assigned<eface>(type, map, string_key(i)) = eface(type_of<int64_t>(), box);
  });
  consume(map);
  return m;
}

}  // namespace

const std::array<std::string_view, kKeys>& string_keys() {
  static constexpr auto kTable = [] {
    std::array<std::string_view, kKeys> table;
    for (size_t i = 0; i < kKeys; ++i) table[i] = {&kKeyTexts[i * kKeyBytes], kKeyBytes};
    return table;
  }();
  return kTable;
}

Measurement read_int(uint64_t ops) {
  MeasuredRuntime measured;
  maps::hmap* const map = map_of<int64_t>(number);
  const maps::MapType* const type = Map<String, int64_t>::type();
  int64_t sum = 0;
  Measurement m = measured.measure(ops, [&](uint64_t i) {
    sum += *static_cast<const int64_t*>(maps::mapaccess1_faststr(type, map, string_key(i)));
  });
  consume(sum);
  consume(map);
  return m;
}

Measurement read_any(uint64_t ops) {
  MeasuredRuntime measured;
  maps::hmap* const map = map_of<eface>([](uint64_t i) { return runtime::to_eface(number(i)); });
  const maps::MapType* const type = Map<String, eface>::type();
  uint64_t found = 0;
  Measurement m = measured.measure(ops, [&](uint64_t i) {
    const ElemOk entry = maps::mapaccess2_faststr(type, map, string_key(i));
    const auto* v = static_cast<const eface*>(entry.elem);
    consume(v->data());
    found += entry.ok && !v->is_nil() ? 1 : 0;
  });
  consume(found);
  consume(map);
  return m;
}

Measurement read_wide(uint64_t ops) {
  MeasuredRuntime measured;
  maps::hmap* const map = map_of<Wide>([](uint64_t i) { return Wide{{number(i)}}; });
  const maps::MapType* const type = Map<String, Wide>::type();
  uint64_t found = 0;
  Measurement m = measured.measure(ops, [&](uint64_t i) {
    const ElemOk entry = maps::mapaccess2_faststr(type, map, string_key(i));
    const Wide v = *static_cast<const Wide*>(entry.elem);
    consume(&v);
    found += entry.ok ? 1 : 0;
  });
  consume(found);
  consume(map);
  return m;
}

Measurement write_int(uint64_t ops) {
  MeasuredRuntime measured;
  maps::hmap* const map = map_of<int64_t>(number);
  const maps::MapType* const type = Map<String, int64_t>::type();
  Measurement m = measured.measure(
      ops, [&](uint64_t i) { *assigned<int64_t>(type, map, string_key(i)) = number(i); });
  consume(map);
  return m;
}

Measurement write_any_small(uint64_t ops) {
  return write_any(ops, [](uint64_t) {
    int64_t seven = 7;
    asm volatile("" : "+r"(seven));  // a value that only run time knows
    return seven;
  });
}

Measurement write_any_big(uint64_t ops) { return write_any(ops, number); }

// The variable is made before the lookup, so a miss would pay for it too.
Measurement address_of_v(uint64_t ops) {
  MeasuredRuntime measured;
  maps::hmap* const map = map_of<int64_t>(number);
  const maps::MapType* const type = Map<String, int64_t>::type();
  auto* const sink = measured.thread().make<AddressSink>();
  Measurement m = measured.measure(ops, [&](uint64_t i) {
    auto* const v = static_cast<int64_t*>(gc::newobject(type_of<int64_t>()));
    if (v == nullptr) [[unlikely]]
      throw std::bad_alloc();
    const ElemOk entry = maps::mapaccess2_faststr(type, map, string_key(i));
    *v = *static_cast<const int64_t*>(entry.elem);
    sink->v = v;
  });
  consume(sink);
  consume(map);
  return m;
}

}  // namespace greyhound::lab
