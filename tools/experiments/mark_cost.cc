// SPDX-License-Identifier: MIT
// X9: what marking costs, by what is live. Rows 5, 16, 45 and 49 to 51 of the document's claims.
// Each arm builds a million entries, then runs full cycles while this thread polls for safepoints
// as a program at work would, so that the handshakes it answers are real. Rests on objects greyed
// and words scanned in one cycle; mark times are shown.
//
// What would mislead: a map that is no longer in use is garbage to the conservative stack scan as
// soon as the compiler forgets it, hence consume(map) after the cycles. Keys of twelve bytes keep
// strings and boxes from sharing a 16-byte block, as in the recorded Go figures.
#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "runtime/base/futex.h"
#include "tools/common/text_table.h"
#include "tools/experiments/experiment.h"
#include "tools/experiments/measured_runtime.h"

namespace greyhound::lab {
namespace {

using maps::Map;

enum : size_t {
  kEmpty,
  kDead,
  kIntInt,
  kIntAnySmall,
  kIntPointer,
  kIntAny,
  kStringInt,
  kStringAny
};

constexpr int kCyclesPerRepetition = 3;

// One full cycle with this thread running; what it counted.
gc::CycleStats full_cycle(MeasuredRuntime& measured) {
  gc::Collector& collector = measured.runtime().collector();
  const uint64_t target = collector.completed_cycles() + 1;
  collector.request_cycle();
  while (collector.completed_cycles() < target) {
    measured.thread().safepoint();
    cpu_pause();
  }
  return measured.runtime().stats().last_cycle;
}

// The measured loop: full cycles over what `build` made, each after `between`.
template <class Build, class Between>
Measurement mark(uint64_t entries, Build build, Between between) {
  MeasuredRuntime measured;
  const gc::GcStats before = measured.runtime().stats();
  const auto live = build(measured);
  const gc::GcStats after = measured.runtime().stats();
  full_cycle(measured);  // clears up after the building
  Measurement m;
  m.ops = entries;
  m.allocs = after.mallocs - before.mallocs;
  m.bytes = after.alloc_bytes - before.alloc_bytes;
  m.cycles = 1;
  uint64_t hold = 0;
  for (int i = 0; i < kCyclesPerRepetition; ++i) {
    between(measured);
    const gc::CycleStats cycle = full_cycle(measured);
    m.objects_greyed = cycle.mark.objects_greyed;
    m.noscan_greyed = cycle.mark.noscan_greyed;
    m.words_scanned = cycle.mark.words_scanned;
    m.pointers_resolved = cycle.mark.objects_resolved;
    m.mark_cpu_ns = cycle.mark_cpu_ns + cycle.assist_ns;
    m.mark_ns.push_back(static_cast<double>(cycle.mark_ns));
    m.ns_per_op.push_back(static_cast<double>(cycle.mark_ns) / static_cast<double>(entries));
    hold = std::max(
        {hold, cycle.longest_start_hold_ns, cycle.longest_scan_hold_ns, cycle.longest_end_hold_ns});
  }
  m.longest_hold_ns = hold;
  consume(live);
  return m;
}

Measurement empty_heap(uint64_t entries) {
  return mark(
      entries, [](MeasuredRuntime&) { return 0; }, [](MeasuredRuntime&) {});
}

// The boxes die before the measured cycle, which clears them up.
Measurement dead_boxes(uint64_t entries) {
  const auto make_boxes = [entries](MeasuredRuntime& measured) {
    measured.repeat(entries, [](uint64_t i) { consume(runtime::convT64(1000 + i)); });
    return 0;
  };
  return mark(entries, make_boxes, make_boxes);
}

template <class K, class V, class Key, class Value>
Measurement live_map(uint64_t entries, Key key, Value value) {
  return mark(
      entries,
      [&](MeasuredRuntime& measured) {
        const auto map = Map<K, V>::make(entries);
        measured.repeat(entries, [&](uint64_t i) {
          const K k = key(i);
          if (!map.insert_or_assign(k, V(value(measured, i)))) throw std::bad_alloc();
        });
        return map.header();
      },
      [](MeasuredRuntime&) {});
}

int64_t int_key(uint64_t i) { return static_cast<int64_t>(i); }

// "key-" and eight digits, in the heap.
String string_key(uint64_t i) {
  char text[] = "key-00000000";
  constexpr size_t kLength = sizeof text - 1;
  for (size_t at = kLength; i != 0; i /= 10) text[--at] = static_cast<char>('0' + i % 10);
  return String::copy({text, kLength});
}

int64_t number(MeasuredRuntime&, uint64_t i) { return static_cast<int64_t>(i); }
eface small_box(MeasuredRuntime&, uint64_t i) {
  return runtime::to_eface(static_cast<int64_t>(i % 256));
}
eface box(MeasuredRuntime&, uint64_t i) { return runtime::to_eface(static_cast<int64_t>(i + 256)); }
int64_t* pointer(MeasuredRuntime& measured, uint64_t i) {
  return measured.thread().make<int64_t>(static_cast<int64_t>(i + 256));
}

Measurement int_int(uint64_t n) { return live_map<int64_t, int64_t>(n, int_key, number); }
Measurement int_any_small(uint64_t n) { return live_map<int64_t, eface>(n, int_key, small_box); }
Measurement int_pointer(uint64_t n) { return live_map<int64_t, Ref<int64_t>>(n, int_key, pointer); }
Measurement int_any(uint64_t n) { return live_map<int64_t, eface>(n, int_key, box); }
Measurement string_int(uint64_t n) { return live_map<String, int64_t>(n, string_key, number); }
Measurement string_any(uint64_t n) { return live_map<String, eface>(n, string_key, box); }

struct Recorded {
  double greyed;
  std::optional<double> noscan, words, resolved;
  std::optional<Spread> mark_ms;
};

Arm arm(std::string name, std::string go_arm, Role role, Measurement (*run)(uint64_t),
        const Recorded& recorded) {
  Arm a{std::move(name), std::move(go_arm), role, kEmpty, run, {}};
  a.recorded.objects_greyed = recorded.greyed;
  a.recorded.noscan_greyed = recorded.noscan;
  a.recorded.words_scanned = recorded.words;
  a.recorded.pointers_resolved = recorded.resolved;
  a.recorded.mark_ms = recorded.mark_ms;
  return a;
}

std::string verdict(const std::vector<ArmResult>& arms) {
  const auto greyed = [&arms](size_t arm) {
    return with_commas(static_cast<uint64_t>(*arms[arm].ours.objects_greyed));
  };
  return fmt::format(
      "Depends: marking costs what is live. {} dead boxes greyed {} objects, an empty heap {}; a "
      "live [int]int greyed {}, a live [string]any {}.",
      with_commas(arms[kDead].ops), greyed(kDead), greyed(kEmpty), greyed(kIntInt),
      greyed(kStringAny));
}

}  // namespace

Experiment x9_mark_cost() {
  Experiment x;
  x.id = "X9";
  x.title = "Mark cost of a million entries, by value type";
  x.claim =
      "Boxes, short-lived ones too, make marking slower: each is a root that every stop-the-world "
      "mark scans (gcDrain, greyobject).";
  x.work =
      "A heap that holds one map of a million entries, or nothing, or a million boxes that are "
      "dead; then full cycles while this thread keeps running. Figures are for one cycle.";
  x.op = "one entry (allocations: while building; ns: marking in a full cycle)";
  x.note =
      "words read: Greyhound reads those words of a bucket that its type's mask says hold "
      "pointers; Go 1.19 walks all of them, so its recorded figures are two to three times ours. "
      "findObject: pointers that had to be resolved to their object. CPU: of all marking threads. "
      "hold: the longest that a handshake held this thread; pause: Go's longest stop-the-world "
      "pause. Go does not export what it greys (the recorded figures come from an instrumented "
      "runtime), so the objects that are live after a cycle stand in their place.";
  const auto ms = [](double low, double high) { return Spread{(low + high) / 2, low, high, 0}; };
  x.arms = {
      arm("empty heap", "empty", Role::kControl, empty_heap, {130, {}, {}, {}, {}}),
      arm("1e6 dead boxes", "dead-boxes", Role::kTreatment, dead_boxes, {130, {}, {}, {}, {}}),
      arm("[int]int", "int-int", Role::kTreatment, int_int, {135, {}, 10e3, 4.5e3, ms(0.07, 0.18)}),
      arm("[int]any below 256", "int-any-small", Role::kTreatment, int_any_small,
          {132, {}, 7.25e6, 4.5e3, ms(7, 13)}),
      arm("[int]*int", "int-pointer", Role::kTreatment, int_pointer,
          {500'132, 500'041, 5.02e6, 1.00e6, ms(19, 21)}),
      arm("[int]any 256+", "int-any", Role::kTreatment, int_any,
          {500'133, {}, 7.25e6, 1.00e6, ms(24, 27)}),
      arm("[string]int", "string-int", Role::kTreatment, string_int,
          {1'000'132, {}, 7.25e6, 1.00e6, ms(25, 28)}),
      arm("[string]any 256+", "string-any", Role::kTreatment, string_any,
          {2'000'005, {}, 9.48e6, 2.00e6, ms(27, 36)}),
  };
  x.expectations = {
      {Count::kGreyedPerOp, {kDead, kIntInt, kIntAnySmall}, '0', 0, 0.02},
      {Count::kGreyedPerOp, {kIntPointer, kIntAny, kStringInt, kStringAny}, '+', 0, 0.02},
      {Count::kWordsPerOp, {kDead, kIntInt}, '0', 0, 0.02},
      {Count::kWordsPerOp,
       {kIntAnySmall, kIntPointer, kIntAny, kStringInt, kStringAny},
       '+',
       0,
       0.02},
  };
  x.columns = {Column::kGreyed,     Column::kWords,   Column::kResolved, Column::kMark,
               Column::kMarkSpread, Column::kMarkCpu, Column::kHold};
  x.go_columns = {Column::kGreyed, Column::kLive,    Column::kWords,
                  Column::kMark,   Column::kMarkCpu, Column::kHold};
  x.unit = "entries";
  x.ops = 1'000'000;
  x.quick_ops = 1'000'000;
  x.repetitions = 5;
  x.quick_repetitions = 2;
  x.quick_seconds = 5;
  x.verdict = verdict;
  return x;
}

}  // namespace greyhound::lab
