// SPDX-License-Identifier: MIT
// X14: before and after four fixes. Rows 83 to 85 of the document's claims. Each fix is a pair of
// arms that do the same work, the control before it and the treatment after: a box that inlining
// removes, a map that is told its size, a typed map for one of any, and a result that is kept
// instead of parsed again. Two more show what does not help: the typed map when it is read, and the
// kept result whose variable has moved to the heap. Rests on allocations per operation.
//
// What would mislead: of the pair of maps an operation is a whole map, so there are a thousandth as
// many. Where Go's compiler decides (whether a box or a variable is on the stack), its decision of
// Go 1.19 is written out by hand, as in X3.
#include <fmt/format.h>

#include <new>

#include "runtime/base/profile_labels.h"
#include "tools/experiments/experiment.h"
#include "tools/experiments/map_loops.h"
#include "tools/experiments/subprocess.h"

namespace greyhound::lab {
namespace {

using maps::Map;

enum : size_t {
  kBoxed,
  kInlined,
  kNoHint,
  kHint,
  kWriteAny,
  kWriteTyped,
  kReadAny,
  kReadTyped,
  kParse,
  kKept,
  kKeptMoved,
};

constexpr uint64_t kEntries = 1000;  // of a map of the second pair

int64_t number(uint64_t i) { return static_cast<int64_t>(1000 + i); }

// --- a box that inlining removes

// func wrap(v int) any { return v }: not inlined, its result is on the heap.
GREYHOUND_NOINLINE eface wrap(int64_t v) { return runtime::to_eface(v); }

Measurement boxed(uint64_t ops) {
  MeasuredRuntime measured;
  int64_t sum = 0;
  Measurement m = measured.measure(ops, [&](uint64_t i) { sum += *wrap(number(i)).as<int64_t>(); });
  consume(sum);
  return m;
}

// The same, inlined: the box does not outlive the statement, so it is a variable of the caller's.
Measurement inlined(uint64_t ops) {
  MeasuredRuntime measured;
  int64_t sum = 0;
  Measurement m = measured.measure(ops, [&](uint64_t i) {
    const Type* type = type_of<int64_t>();
    const int64_t box = number(i);
    consume(type);
    consume(&box);
    if (type == type_of<int64_t>()) sum += box;
  });
  consume(sum);
  return m;
}

// --- a map that is told its size

Measurement build_maps(uint64_t ops, size_t hint) {
  MeasuredRuntime measured;
  return measured.measure(std::max<uint64_t>(ops / kEntries, 1), [hint](uint64_t) {
    const auto map = Map<int64_t, int64_t>::make(hint);
    for (uint64_t i = 0; i < kEntries; ++i) {
      if (!map.insert_or_assign(static_cast<int64_t>(i), number(i))) throw std::bad_alloc();
    }
    consume(map.header());
  });
}

Measurement no_hint(uint64_t ops) { return build_maps(ops, 0); }
Measurement with_hint(uint64_t ops) { return build_maps(ops, kEntries); }

// --- a typed map, read: sum += m[k].(int)

Measurement read_asserted(uint64_t ops) {
  MeasuredRuntime measured;
  maps::hmap* const map = map_of<eface>([](uint64_t i) { return runtime::to_eface(number(i)); });
  const maps::MapType* const type = Map<String, eface>::type();
  int64_t sum = 0;
  Measurement m = measured.measure(ops, [&](uint64_t i) {
    const auto* v = static_cast<const eface*>(maps::mapaccess1_faststr(type, map, string_key(i)));
    const int64_t* value = v->as<int64_t>();
    GREYHOUND_CHECK(value != nullptr);
    sum += *value;
  });
  consume(sum);
  consume(map);
  return m;
}

// --- a result that is kept

constexpr size_t kFields = 4;
constexpr std::string_view kText = "name=greyhound;kind=dog;speed=72;weight=31";

struct Field {
  String name, value;
};
// What parsing gives: a slice of the fields, and three numbers. 48 bytes.
struct Parsed {
  Ref<std::array<Field, kFields>> fields;
  int64_t length = 0;
  int64_t capacity = 0;
  int64_t numbers = 0;
  int64_t sum = 0;
  int64_t characters = 0;
};
static_assert(sizeof(Parsed) == 48);

template <class T>
GREYHOUND_INLINE T* newobject() {
  void* object = gc::newobject(type_of<T>());
  if (object == nullptr) [[unlikely]]
    throw std::bad_alloc();
  return static_cast<T*>(object);
}

int64_t value_of_number(std::string_view text) {
  int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return 0;
    value = value * 10 + (c - '0');
  }
  return value;
}

// Nine allocations: the array, and a copy of each name and value.
GREYHOUND_NOINLINE Parsed parse(std::string_view text) {
  Parsed result;
  auto* const fields = newobject<std::array<Field, kFields>>();
  result.fields = fields;
  result.capacity = kFields;
  while (!text.empty()) {
    const size_t end = std::min(text.find(';'), text.size());
    const std::string_view field = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t equals = field.find('=');
    Field& out = (*fields)[static_cast<size_t>(result.length++)];
    out.name = String::copy(field.substr(0, equals));
    out.value = String::copy(field.substr(equals + 1));
    const int64_t value = value_of_number(field.substr(equals + 1));
    result.numbers += value != 0 ? 1 : 0;
    result.sum += value;
    result.characters += static_cast<int64_t>(field.size());
  }
  return result;
}

using Cache = Map<String, Ref<Parsed>>;

GREYHOUND_NOINLINE Parsed kept(const maps::MapType* type, const maps::hmap* cache,
                               std::string_view text) {
  const maps::ElemOk entry = maps::mapaccess2_faststr(type, cache, text);
  if (!entry.ok) return parse(text);
  return **static_cast<const Ref<Parsed>*>(entry.elem);
}

// func parse(text string) (r Parsed), which keeps &r when it has parsed: so r is on the heap, made
// before the lookup, and a hit pays for it.
GREYHOUND_NOINLINE Parsed kept_moved(const maps::MapType* type, const maps::hmap* cache,
                                     std::string_view text) {
  auto* const r = newobject<Parsed>();
  const maps::ElemOk entry = maps::mapaccess2_faststr(type, cache, text);
  *r = entry.ok ? **static_cast<const Ref<Parsed>*>(entry.elem) : parse(text);
  return *r;
}

Measurement parse_each_time(uint64_t ops) {
  MeasuredRuntime measured;
  int64_t sum = 0;
  Measurement m = measured.measure(ops, [&](uint64_t) { sum += parse(kText).sum; });
  consume(sum);
  return m;
}

template <class Get>
Measurement from_cache(uint64_t ops, Get get) {
  MeasuredRuntime measured;
  const auto cache = Cache::make();
  auto* const parsed = newobject<Parsed>();
  *parsed = parse(kText);
  if (!cache.insert_or_assign(String(kText.data(), kText.size()), parsed)) throw std::bad_alloc();
  int64_t sum = 0;
  Measurement m = measured.measure(
      ops, [&](uint64_t) { sum += get(Cache::type(), cache.header(), kText).sum; });
  consume(sum);
  consume(cache.header());
  return m;
}

Measurement parse_kept(uint64_t ops) { return from_cache(ops, kept); }
Measurement parse_kept_moved(uint64_t ops) { return from_cache(ops, kept_moved); }

// --- the experiment

// `fix`: which pair, on every sample of a profile. Its side is "before" for a control.
Arm arm(std::string name, std::string go_arm, size_t versus, const char* fix,
        Measurement (*run)(uint64_t), double allocs, std::optional<double> ns) {
  const Role role = go_arm.ends_with("-before") ? Role::kControl : Role::kTreatment;
  const char* side = role == Role::kControl ? "before" : "after";
  Arm a{std::move(name), std::move(go_arm), role, versus, [=](uint64_t ops) {
          const ProfileLabels labelled("fix", fix);
          const ProfileLabels sided("side", side);
          return run(ops);
        }};
  a.recorded.allocs_per_op = allocs;
  if (ns) a.recorded.ns_per_op = Spread{*ns, {}, {}, 0};
  return a;
}

std::string verdict(const std::vector<ArmResult>& arms) {
  const auto allocs = [&arms](size_t arm) { return *arms[arm].ours.allocs_per_op; };
  const auto less = [&arms](size_t before, size_t after) {
    return (1 - arms[after].ours.ns_per_op->median / arms[before].ours.ns_per_op->median) * 100;
  };
  return fmt::format(
      "Depends: what shrinks is what allocated. Inlining the box saves {:.0f} allocation and "
      "{:.0f} % of the time, the size hint {:.0f} of {:.0f} allocations and {:.0f} %, the typed "
      "map {:.0f} and {:.0f} % when written (read, it never allocated), the kept result {:.0f} "
      "and {:.0f} %; {:.0f} of them comes back when its variable moves to the heap.",
      allocs(kBoxed) - allocs(kInlined), less(kBoxed, kInlined), allocs(kNoHint) - allocs(kHint),
      allocs(kNoHint), less(kNoHint, kHint), allocs(kWriteAny) - allocs(kWriteTyped),
      less(kWriteAny, kWriteTyped), allocs(kParse) - allocs(kKept), less(kParse, kKept),
      allocs(kKeptMoved));
}

}  // namespace

Experiment x14_before_and_after() {
  Experiment x;
  x.id = "X14";
  x.title = "Before and after: four fixes, and what they save";
  x.claim =
      "Forced inlining, declaring variables ahead and avoiding type assertions shrink the flame "
      "graph; caching what is computed shrinks it most.";
  x.work =
      "box: an int returned as any by a function that is not inlined; then inlined. map: a "
      "map[int]int of 1000 entries, made without and with its size. write, read: a map[string]any "
      "of 64 keys (read by v.(int)); then a map[string]int. parse: four name=value fields into 9 "
      "objects; then kept in a map by their text, and the same with the named result's address "
      "taken.";
  x.op = "one box, one map of 1000 entries, one write, read or parse";
  x.note =
      "An operation of the pair map is a whole map, so there are a thousandth as many. GC CPU: "
      "time of marking threads and assists beside the wall time of the loop. compiler's decision "
      "written by hand, not measured from source: box, inlined and kept, moved are what Go 1.19 "
      "makes of the source. With --heapprofile heap.pb.gz both sides are also written to "
      "heap.before.pb.gz and heap.after.pb.gz, for `" +
      program_as_called() + " pprof`, which takes two; label fix tells the pairs apart.";
  x.arms = {
      arm("box", "box-before", kBoxed, "box", boxed, 1, 10.4),
      arm("box, inlined", "box-after", kBoxed, "box", inlined, 0, 0.5),
      arm("map", "map-before", kNoHint, "map", no_hint, 63, 74'000),
      arm("map, hint", "map-after", kNoHint, "map", with_hint, 6, 29'000),
      arm("write", "write-before", kWriteAny, "write", write_any_big, 1, 22),
      arm("write, typed", "write-after", kWriteAny, "write", write_int, 0, 7.6),
      arm("read", "read-before", kReadAny, "read", read_asserted, 0, 2.7),
      arm("read, typed", "read-after", kReadAny, "read", read_int, 0, 2.5),
      arm("parse", "parse-before", kParse, "parse", parse_each_time, 9, {}),
      arm("kept", "parse-after", kParse, "parse", parse_kept, 0, {}),
      arm("kept, moved", "parse-moved", kParse, "parse", parse_kept_moved, 1, {}),
  };
  x.expectations = {
      {Count::kAllocsPerOp, {kInlined}, '-', -1, 1e-3},
      {Count::kAllocsPerOp, {kHint}, '-', 0, 1},
      {Count::kAllocsPerOp, {kWriteTyped}, '-', -1, 1e-3},
      {Count::kAllocsPerOp, {kReadTyped}, '0', 0, 1e-3},
      {Count::kAllocsPerOp, {kKept}, '-', -9, 1e-2},
      {Count::kAllocsPerOp, {kKeptMoved}, '-', -8, 1e-2},
  };
  x.columns = {Column::kAllocs,   Column::kBytes,   Column::kNs,    Column::kNsSpread,
               Column::kNsChange, Column::kGcShare, Column::kCycles};
  x.go_columns = {Column::kAllocs, Column::kBytes, Column::kNs, Column::kNsChange,
                  Column::kGcShare};
  x.ops = 1'000'000;
  x.quick_ops = 200'000;
  x.two_sides = true;
  x.repetitions = 9;
  x.quick_repetitions = 5;
  x.quick_seconds = 1.5;
  x.verdict = verdict;
  return x;
}

}  // namespace greyhound::lab
