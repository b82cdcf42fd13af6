// SPDX-License-Identifier: MIT
// X3: where `ok` lives. Rows 2, 3, 4, 46 and 48 of the document's claims. Go's compiler decides
// whether ok stays in a register or moves to the heap; there is no compiler here yet, so its
// decisions (escape analysis of Go 1.19, -gcflags=-m) are written out by hand, one function a
// decision, and what is measured is what each decision costs. Rests on allocations and bytes per
// operation.
//
// A closure is what Go makes of it: an object with a code pointer and the captured variables. A
// variable that is captured by reference, or whose address is taken, is an object of its own.
#include <fmt/format.h>

#include <new>

#include "tools/experiments/experiment.h"
#include "tools/experiments/map_loops.h"

namespace greyhound::lab {
namespace {

using maps::mapaccess2_faststr;
using StringAnyMap = maps::Map<String, eface>;

enum : size_t { kReturned, kBoolSlice, kAnySlice, kByValue, kByReference, kAddress };

struct ByValue {
  Unmanaged<bool(const void*)> code;
  bool ok;
};
struct ByReference {
  Unmanaged<bool(const void*)> code;
  Ref<bool> ok;
};
static_assert(sizeof(ByValue) == 16 && sizeof(ByReference) == 16);

constexpr uint64_t kSlots = 1024;

// What outlives each operation: where closures, addresses and slice elements go.
struct Kept {
  Ref<ByValue> by_value;
  Ref<ByReference> by_reference;
  Ref<bool> address;
  Ref<std::array<bool, kSlots>> bools;
  Ref<std::array<eface, kSlots>> anys;
};

struct Frame {
  const maps::MapType* type;
  const maps::hmap* map;
  Kept* kept;
};

template <class T>
GREYHOUND_INLINE T* newobject() {
  void* object = gc::newobject(type_of<T>());
  if (object == nullptr) [[unlikely]]
    throw std::bad_alloc();
  return static_cast<T*>(object);
}

GREYHOUND_NOINLINE bool call_by_value(const void* closure) {
  return static_cast<const ByValue*>(closure)->ok;
}
GREYHOUND_NOINLINE bool call_by_reference(const void* closure) {
  return *static_cast<const ByReference*>(closure)->ok;
}

// func returned(m, k) bool { _, ok := m[k]; return ok }
GREYHOUND_NOINLINE bool returned(const Frame& f, std::string_view key, uint64_t) {
  return mapaccess2_faststr(f.type, f.map, key).ok;
}
// bools[i] = ok
GREYHOUND_NOINLINE bool into_bools(const Frame& f, std::string_view key, uint64_t i) {
  return (*f.kept->bools)[i % kSlots] = mapaccess2_faststr(f.type, f.map, key).ok;
}
// anys[i] = ok: a conversion, which for one byte points at a shared cell.
GREYHOUND_NOINLINE bool into_anys(const Frame& f, std::string_view key, uint64_t i) {
  const bool ok = mapaccess2_faststr(f.type, f.map, key).ok;
  (*f.kept->anys)[i % kSlots] = runtime::convT2E(type_of<bool>(), &ok);
  return ok;
}
// return func() bool { return ok }: ok is never assigned again, so its value is captured.
GREYHOUND_NOINLINE bool captured_by_value(const Frame& f, std::string_view key, uint64_t) {
  const bool ok = mapaccess2_faststr(f.type, f.map, key).ok;
  auto* closure = newobject<ByValue>();
  closure->code.pointer = call_by_value;
  closure->ok = ok;
  f.kept->by_value = closure;
  return ok;
}
// return func() bool { ok = !ok; return ok }: the variable itself is captured, and moves to the
// heap where it is declared.
GREYHOUND_NOINLINE bool captured_by_reference(const Frame& f, std::string_view key, uint64_t) {
  bool* ok = newobject<bool>();
  *ok = mapaccess2_faststr(f.type, f.map, key).ok;
  auto* closure = newobject<ByReference>();
  closure->code.pointer = call_by_reference;
  closure->ok = ok;
  f.kept->by_reference = closure;
  return *ok;
}
// return &ok
GREYHOUND_NOINLINE bool address_taken(const Frame& f, std::string_view key, uint64_t) {
  bool* ok = newobject<bool>();
  *ok = mapaccess2_faststr(f.type, f.map, key).ok;
  f.kept->address = ok;
  return *ok;
}

using Function = bool (*)(const Frame&, std::string_view, uint64_t);

Measurement run(uint64_t ops, Function function) {
  MeasuredRuntime measured;
  auto* const kept = newobject<Kept>();
  kept->bools = newobject<std::array<bool, kSlots>>();
  kept->anys = newobject<std::array<eface, kSlots>>();
  maps::hmap* const map =
      map_of<eface>([](uint64_t i) { return runtime::to_eface(static_cast<int64_t>(i)); });
  const Frame frame{StringAnyMap::type(), map, kept};
  uint64_t found = 0;
  Measurement m =
      measured.measure(ops, [&](uint64_t i) { found += function(frame, string_key(i), i); });
  consume(found);
  consume(kept);
  consume(map);
  return m;
}

Arm arm(std::string name, std::string go_arm, Role role, Function function, double allocs,
        double bytes, double ns) {
  Arm a{std::move(name),
        std::move(go_arm),
        role,
        kReturned,
        [function](uint64_t ops) { return run(ops, function); },
        {}};
  a.recorded.allocs_per_op = allocs;
  a.recorded.bytes_per_op = bytes;
  a.recorded.ns_per_op = Spread{ns, {}, {}, 0};
  return a;
}

std::string verdict(const std::vector<ArmResult>& arms) {
  return fmt::format(
      "Depends: ok reaches the heap only when a closure keeps it ({:.0f} B by value, {:.0f} B by "
      "reference) or its address is taken ({:.0f} B); returned or stored in a slice, it allocates "
      "nothing.",
      *arms[kByValue].ours.bytes_per_op, *arms[kByReference].ours.bytes_per_op,
      *arms[kAddress].ours.bytes_per_op);
}

}  // namespace

Experiment x3_where_ok_lives() {
  Experiment x;
  x.id = "X3";
  x.title = "Where ok lives: what makes it escape";
  x.claim =
      "The ok of `v, ok := m[key]` is moved to the heap when it is returned, written to a slice or "
      "captured by a closure, at 16 B and more each time.";
  x.work =
      "`_, ok := m[k]` on a map[string]any of 64 keys, then one use of ok: returned, stored in "
      "a slice, kept by a closure that only reads it (by value) or assigns it (by reference), "
      "or `&ok` kept.";
  x.op = "one lookup and one use of ok";
  x.note =
      "compiler's decision written by hand, not measured from source: the language that will make "
      "it does not exist yet. The decisions are those of Go 1.19.";
  x.arms = {
      arm("returned", "ok-returned", Role::kControl, returned, 0, 0, 2.7),
      arm("into a []bool", "ok-bools", Role::kTreatment, into_bools, 0, 0, 3.1),
      arm("into a []any", "ok-anys", Role::kTreatment, into_anys, 0, 0, 3.6),
      arm("closure by value", "ok-by-value", Role::kTreatment, captured_by_value, 1, 16, 17),
      arm("closure by reference", "ok-by-reference", Role::kTreatment, captured_by_reference, 2, 17,
          26),
      arm("&ok", "ok-address", Role::kTreatment, address_taken, 1, 1, 8.7),
  };
  x.expectations = {
      {Count::kAllocsPerOp, {kBoolSlice, kAnySlice}, '0', 0, 1e-4},
      {Count::kAllocsPerOp, {kByValue, kAddress}, '+', 1, 1e-3},
      {Count::kAllocsPerOp, {kByReference}, '+', 2, 1e-3},
      {Count::kBytesPerOp, {kByValue}, '+', 16, 0.01},
      {Count::kBytesPerOp, {kByReference}, '+', 17, 0.01},
      {Count::kBytesPerOp, {kAddress}, '+', 1, 0.01},
  };
  x.columns = {Column::kAllocs, Column::kBytes,  Column::kNs,      Column::kNsSpread,
               Column::kCycles, Column::kGreyed, Column::kMarkCpu, Column::kHold};
  x.go_columns = {Column::kAllocs, Column::kBytes, Column::kNs};
  x.ops = 2'000'000;
  x.quick_ops = 500'000;
  x.repetitions = 15;
  x.quick_repetitions = 9;
  x.quick_seconds = 2;
  x.verdict = verdict;
  return x;
}

}  // namespace greyhound::lab
