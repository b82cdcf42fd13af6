// SPDX-License-Identifier: MIT
// X10: when the write barrier does something. Rows 52 to 58 of the document's claims. An arm stores
// a pointer, nil or an int into slots of the heap, of the stack or of a map, while no cycle runs or
// while one is held in its marking phase. Rests on what the barrier itself counts: pointers that it
// looked at (hits) and objects that it greyed (shades).
//
// The collector is stepped, so nothing marks beside the stores and the counts are exact: it is
// stepped to the marking phase, in which the barrier is on and nothing is marked yet, left alone
// during the stores, and stepped to the end of the cycle. That makes every object white again for
// the next round. A round is short so that what it stores stays in the cache.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tools/experiments/experiment.h"
#include "tools/experiments/measured_runtime.h"

namespace greyhound::lab {
namespace {

enum : size_t {
  kHeapPointer,
  kHeapPointerMarking,
  kHeapPointerMarked,
  kHeapPointerHybrid,
  kHeapNil,
  kHeapNilMarking,
  kHeapNilHybrid,
  kHeapInt,
  kHeapIntMarking,
  kStackPointer,
  kStackPointerMarking,
  kStackNil,
  kStackNilMarking,
  kStackInt,
  kStackIntMarking,
  kMapPointer,
  kMapPointerMarking,
  kMapPointerHybrid,
  kMapNil,
  kMapNilMarking,
  kMapNilHybrid,
  kMapInt,
  kMapIntMarking,
};

enum class State : uint8_t { kIdle, kMarking, kMarkedTargets, kHybrid };
enum class Value : uint8_t { kPointer, kNil, kInt };

constexpr uint64_t kRound = 4096;  // stores
constexpr size_t kStackSlots = 64;

// Too large for the tiny allocator: two objects that share a block share a mark.
struct Leaf {
  std::array<int64_t, 2> words;
};
using LeafMap = maps::Map<int64_t, Ref<Leaf>>;
using IntMap = maps::Map<int64_t, int64_t>;

// What one arm stores and what it overwrites; all of it rooted by this object's place on the stack.
struct Objects {
  Ref<Leaf>* fresh = made();  // the values, an object each
  Ref<Leaf>* old = made();    // what the slots hold before a round

  static Ref<Leaf>* made() {
    auto* const leaves = runtime::Thread::make_array<Ref<Leaf>>(kRound);
    for (uint64_t i = 0; i < kRound; ++i) leaves[i] = runtime::Thread::make<Leaf>();
    return leaves;
  }
};

// The value as it is given to a slot, heap or stack: a store of a Ref has the barrier, one of a raw
// pointer has not.
template <Value value, class Slot>
GREYHOUND_INLINE void put(Slot* slot, const Objects& objects, uint64_t i) {
  if constexpr (value == Value::kPointer) *slot = objects.fresh[i].get();
  if constexpr (value == Value::kNil) *slot = nullptr;
  if constexpr (value == Value::kInt) *slot = static_cast<int64_t>(i);
}

// --- the three places. reset(i) puts the old value back, store(i) is what is measured.

template <Value value>
struct HeapSlots {
  using Slot = std::conditional_t<value == Value::kInt, int64_t, Ref<Leaf>>;
  const Objects& objects;
  Slot* slots = runtime::Thread::make_array<Slot>(kRound);

  void reset(uint64_t i) {
    if constexpr (value != Value::kInt) slots[i] = objects.old[i];
  }
  GREYHOUND_INLINE void store(uint64_t i) { put<value>(slots + i, objects, i); }
};

template <Value value>
struct StackSlots {
  using Slot = std::conditional_t<value == Value::kInt, int64_t, Leaf*>;
  const Objects& objects;
  std::array<Slot, kStackSlots> slots{};

  void reset(uint64_t i) {
    if constexpr (value != Value::kInt) slots[i % kStackSlots] = objects.old[i];
  }
  GREYHOUND_INLINE void store(uint64_t i) { put<value>(&slots[i % kStackSlots], objects, i); }
};

template <Value value>
struct MapSlots {
  using Elem = std::conditional_t<value == Value::kInt, int64_t, Ref<Leaf>>;
  using Map = std::conditional_t<value == Value::kInt, IntMap, LeafMap>;
  const Objects& objects;
  const maps::MapType* type = Map::type();
  maps::hmap* map = Map::make(kRound).header();

  Elem* assigned(uint64_t i) {
    void* const elem = maps::mapassign_fast64(type, map, i);
    if (elem == nullptr) [[unlikely]]
      throw std::bad_alloc();
    return static_cast<Elem*>(elem);
  }
  void reset(uint64_t i) {
    if constexpr (value == Value::kInt) {
      *assigned(i) = 0;
    } else {
      *assigned(i) = objects.old[i];
    }
  }
  GREYHOUND_INLINE void store(uint64_t i) { put<value>(assigned(i), objects, i); }
};

// --- one repetition

runtime::Options stepped(State state) {
  runtime::Options options;
  options.mode = runtime::Mode::kStepping;
  options.gc_percent = gc::kGcOff;
  if (state == State::kHybrid) options.barrier = gc::Barrier::kHybrid;
  return options;
}

void step_to(MeasuredRuntime& measured, gc::Phase phase) {
  gc::Collector& collector = measured.runtime().collector();
  if (phase != gc::Phase::kIdle) collector.request_cycle();
  while (collector.phase() != phase) collector.step(SIZE_MAX);
}

void add(Measurement* total, const Measurement& round) {
  *total->allocs += *round.allocs;
  *total->bytes += *round.bytes;
  *total->barrier_hits += *round.barrier_hits;
  *total->barrier_shades += *round.barrier_shades;
  total->ns_per_op[0] += round.ns_per_op[0] * static_cast<double>(round.ops);
}

template <class Place>
Measurement measure_round(MeasuredRuntime& measured, Place& place, uint64_t stores) {
  const gc::GcStats before = measured.runtime().stats();
  const uint64_t start = gc::monotonic_ns();
  measured.repeat(stores, [&](uint64_t i) {
    place.store(i);
    consume(&place);  // every store is made, in its turn
  });
  const uint64_t elapsed = gc::monotonic_ns() - start;
  return MeasuredRuntime::difference(before, measured.runtime().stats(), stores, elapsed);
}

template <template <Value> class Place, Value value>
Measurement run(State state, uint64_t ops) {
  MeasuredRuntime measured(stepped(state));
  const Objects objects;
  Place<value> place{objects};
  const gc::GcStats now = measured.runtime().stats();
  Measurement total = MeasuredRuntime::difference(now, now, ops, 0);  // nothing yet
  const auto round = [&](uint64_t stores) {
    for (uint64_t i = 0; i < kRound; ++i) place.reset(i);
    if (state != State::kIdle) step_to(measured, gc::Phase::kDrain);
    if (state == State::kMarkedTargets) {
      for (uint64_t i = 0; i < kRound; ++i) place.store(i);
    }
    const Measurement round = measure_round(measured, place, stores);
    step_to(measured, gc::Phase::kIdle);
    return round;
  };
  round(kRound);  // warms up
  for (uint64_t done = 0; done < ops; done += kRound)
    add(&total, round(std::min(kRound, ops - done)));
  total.ns_per_op[0] /= static_cast<double>(ops);
  consume(&objects);
  consume(&place);
  return total;
}

// --- the experiment

struct Recorded {
  std::optional<double> hits, ns;
};

template <template <Value> class Place, Value value>
Arm arm(std::string name, std::string go_arm, State state, size_t control,
        const Recorded& recorded = {}) {
  Arm a{std::move(name),
        std::move(go_arm),
        state == State::kIdle ? Role::kControl : Role::kTreatment,
        control,
        [state](uint64_t ops) { return run<Place, value>(state, ops); },
        {}};
  a.recorded.barrier_hits_per_op = recorded.hits;
  if (recorded.ns) a.recorded.ns_per_op = Spread{*recorded.ns, {}, {}, 0};
  return a;
}

// Go's barrier is a hybrid one, so that its figures while marking stand beside those of the hybrid
// arms; where there is none no barrier is at work in either.
std::vector<Arm> heap_arms() {
  using enum State;
  constexpr auto kPointer = Value::kPointer, kNil = Value::kNil, kInt = Value::kInt;
  return {
      arm<HeapSlots, kPointer>("heap pointer", "heap-pointer", kIdle, kHeapPointer, {0, 0.53}),
      arm<HeapSlots, kPointer>("heap pointer, marking", "", kMarking, kHeapPointer),
      arm<HeapSlots, kPointer>("heap pointer, marked", "", kMarkedTargets, kHeapPointer),
      arm<HeapSlots, kPointer>("heap pointer, hybrid", "heap-pointer-marking", kHybrid,
                               kHeapPointer, {2, 7.5}),
      arm<HeapSlots, kNil>("heap nil", "heap-nil", kIdle, kHeapNil, {0, {}}),
      arm<HeapSlots, kNil>("heap nil, marking", "", kMarking, kHeapNil),
      arm<HeapSlots, kNil>("heap nil, hybrid", "heap-nil-marking", kHybrid, kHeapNil, {2, {}}),
      arm<HeapSlots, kInt>("heap int", "heap-int", kIdle, kHeapInt, {0, {}}),
      arm<HeapSlots, kInt>("heap int, marking", "heap-int-marking", kMarking, kHeapInt, {0, {}}),
  };
}

std::vector<Arm> stack_arms() {
  using enum State;
  constexpr auto kPointer = Value::kPointer, kNil = Value::kNil, kInt = Value::kInt;
  const auto pair = []<Value value>(const std::string& name, const std::string& go_arm,
                                    size_t control) {
    return std::array{
        arm<StackSlots, value>(name, go_arm, kIdle, control, {0, {}}),
        arm<StackSlots, value>(name + ", marking", go_arm + "-marking", kMarking, control, {0, {}}),
    };
  };
  std::vector<Arm> arms;
  for (const auto& two :
       {pair.operator()<kPointer>("stack pointer", "stack-pointer", kStackPointer),
        pair.operator()<kNil>("stack nil", "stack-nil", kStackNil),
        pair.operator()<kInt>("stack int", "stack-int", kStackInt)})
    arms.insert(arms.end(), two.begin(), two.end());
  return arms;
}

std::vector<Arm> map_arms() {
  using enum State;
  constexpr auto kPointer = Value::kPointer, kNil = Value::kNil, kInt = Value::kInt;
  return {
      arm<MapSlots, kPointer>("map pointer", "map-pointer", kIdle, kMapPointer, {0, 8.0}),
      arm<MapSlots, kPointer>("map pointer, marking", "", kMarking, kMapPointer),
      arm<MapSlots, kPointer>("map pointer, hybrid", "map-pointer-marking", kHybrid, kMapPointer,
                              {2, 15.5}),
      arm<MapSlots, kNil>("map nil", "map-nil", kIdle, kMapNil, {0, {}}),
      arm<MapSlots, kNil>("map nil, marking", "", kMarking, kMapNil),
      arm<MapSlots, kNil>("map nil, hybrid", "map-nil-marking", kHybrid, kMapNil, {2, {}}),
      arm<MapSlots, kInt>("map int", "map-int", kIdle, kMapInt, {0, {}}),
      arm<MapSlots, kInt>("map int, marking", "map-int-marking", kMarking, kMapInt, {0, {}}),
  };
}

std::string verdict(const std::vector<ArmResult>& arms) {
  const auto hits = [&arms](size_t arm) { return *arms[arm].ours.barrier_hits_per_op; };
  const auto shades = [&arms](size_t arm) { return *arms[arm].ours.barrier_shades_per_op; };
  return fmt::format(
      "False of Go, partly true here: a store of a pointer while marking hits the barrier {:.0f} "
      "time, marked target or not; the mark decides only whether it shades ({:.0f} or {:.0f}). nil "
      "hits {:.0f} by default, but {:.0f} with the hybrid barrier, for the old value; Go buffers "
      "old and new, nil too. An int, or a stack slot: {:.0f}.",
      hits(kHeapPointerMarking), shades(kHeapPointerMarking), shades(kHeapPointerMarked),
      hits(kHeapNilMarking), hits(kHeapNilHybrid), hits(kStackPointerMarking));
}

std::vector<Expectation> expectations() {
  const std::vector<size_t> none = {kHeapNilMarking,  kHeapIntMarking,  kStackPointerMarking,
                                    kStackNilMarking, kStackIntMarking, kMapNilMarking,
                                    kMapIntMarking};
  std::vector<size_t> unshaded = none;
  unshaded.push_back(kHeapPointerMarked);
  return {
      {Count::kBarrierHitsPerOp, none, '0', 0, 1e-4},
      {Count::kBarrierHitsPerOp,
       {kHeapPointerMarking, kHeapPointerMarked, kHeapNilHybrid, kMapPointerMarking, kMapNilHybrid},
       '+',
       1,
       1e-4},
      {Count::kBarrierHitsPerOp, {kHeapPointerHybrid, kMapPointerHybrid}, '+', 2, 1e-4},
      {Count::kBarrierShadesPerOp, unshaded, '0', 0, 1e-4},
      {Count::kBarrierShadesPerOp,
       {kHeapPointerMarking, kHeapNilHybrid, kMapPointerMarking, kMapNilHybrid},
       '+',
       1,
       1e-4},
      {Count::kBarrierShadesPerOp, {kHeapPointerHybrid, kMapPointerHybrid}, '+', 2, 1e-4},
  };
}

}  // namespace

Experiment x10_write_barrier() {
  Experiment x;
  x.id = "X10";
  x.title = "The write barrier: which stores it sees, and when";
  x.claim =
      "The write barrier of m[k] = p is switched on write by write: it fires if the target is "
      "unmarked and the bucket is in the heap (a map on the stack is exempt), and nil skips it.";
  x.work =
      "Stores of a pointer (each to an object of its own), of nil and of an int, over slots that "
      "hold a pointer or an int: in the heap, on the stack, in a map of 4,096 entries. Without "
      "more no cycle runs; marking: one is held in its marking phase; marked: its targets are "
      "marked already; hybrid: marking, with Barrier::kHybrid instead of the default, Dijkstra's.";
  x.op = "one store";
  x.note =
      "hits: pointers that the barrier looked at; shades: objects that it greyed. The barrier's "
      "test is compiled into every pointer store to the heap, nil's too (hence its time while "
      "marking), and what it tests is the collector's phase. Greyhound has no maps on the stack; "
      "Go does, and they get the barrier as "
      "well (recorded: 2 a store). Go exports no counts (those recorded come from an instrumented "
      "runtime); measured, its times while marking are taken as another goroutine forces one cycle "
      "after another, and stand beside the hybrid arms, as Go's barrier is one.";
  for (const auto& arms : {heap_arms(), stack_arms(), map_arms()})
    x.arms.insert(x.arms.end(), arms.begin(), arms.end());
  x.expectations = expectations();
  x.columns = {Column::kHits, Column::kShades, Column::kNs, Column::kNsSpread, Column::kNsOver};
  x.go_columns = {Column::kHits, Column::kNs, Column::kNsSpread, Column::kNsOver};
  x.unit = "stores";
  x.ops = 524'288;
  x.quick_ops = 65'536;
  x.repetitions = 15;
  x.quick_repetitions = 7;
  x.quick_seconds = 2;
  x.verdict = verdict;
  return x;
}

}  // namespace greyhound::lab
