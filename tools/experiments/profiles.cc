// SPDX-License-Identifier: MIT
// X11: what each profile shows, and what it hides. Rows 10 to 13, 15, 16 and 65 to 69 of the
// document's claims. One workload, writes that box into a map[string]any, and its reads, are looked
// at through one profile after the other: the heap's at two rates, what was allocated and what is
// in use, with the runtime's own frames and without them as Go has it; then the CPU's. Rests on
// what the profiles say of the workload: objects found, whose frame is the innermost, labels; and
// in which places of the CPU's profile marking stands.
//
// What would mislead: a heap profile at 512 KiB is an estimate. So many objects are made that its
// error is 7 % (one standard deviation; 5 without --quick); five of those are let pass.
#include <fmt/format.h>

#include <filesystem>
#include <new>

#include "runtime/base/profile_labels.h"
#include "runtime/profile/cpu_profiler.h"
#include "runtime/watch/pprof/cpu_profile.h"
#include "runtime/watch/pprof/heap_profile.h"
#include "tools/experiments/experiment.h"
#include "tools/experiments/map_loops.h"
#include "tools/experiments/profile_figures.h"
#include "tools/pprof/profile_decode.h"

namespace greyhound::lab {
namespace {

using maps::Map;

enum : size_t {
  kNone,
  kExact,
  kSampled,
  kHidden,
  kInUse,
  kRead,
  kCpuRead,
  kCpuWrite,
};

constexpr uint64_t kUsualRate = 512 << 10;
// Where every object is recorded, which takes a microsecond, that many times fewer do.
constexpr uint64_t kFewer = 8;
uint64_t fewer_at_rate_1(uint64_t ops, uint64_t rate) { return rate == 1 ? ops / kFewer : ops; }
constexpr double kFiveErrors = 0.35;
// Under Greyhound's CPU profile that many times more: an assist is one sample in sixteen, and the
// shortest run must have tens of them, or one in fifty would find none.
constexpr uint64_t kMore = 6;
// Entries of the map that is live beside the CPU profile, for there to be something to mark.
constexpr int64_t kLive = 200'000;
constexpr unsigned kCpuRate = 1000;
// So low that the writer has to help with marking.
constexpr int64_t kGcPercent = 10;

// What is boxed: 64 bytes, none of them zero.
struct Wide {
  std::array<int64_t, 8> words;
};

struct Boxes {
  maps::hmap* map = map_of<eface>([](uint64_t) { return eface(); });
  const maps::MapType* type = Map<String, eface>::type();
};

// m[k] = any(v). The frame by which the workload is found in a profile.
GREYHOUND_NOINLINE void write_boxed(const Boxes& boxes, uint64_t i) {
  Wide v;
  v.words.fill(static_cast<int64_t>(1000 + i));
  const eface box = runtime::convT2E(type_of<Wide>(), &v);
  void* elem = maps::mapassign_faststr(boxes.type, boxes.map, string_key(i));
  if (elem == nullptr) [[unlikely]]
    throw std::bad_alloc();
  *static_cast<eface*>(elem) = box;
}

// v, ok := m[k]
GREYHOUND_NOINLINE bool read_boxed(const Boxes& boxes, uint64_t i) {
  const maps::ElemOk entry = maps::mapaccess2_faststr(boxes.type, boxes.map, string_key(i));
  consume(static_cast<const eface*>(entry.elem)->data());
  return entry.ok;
}

// A runtime of this experiment's own: profiles of the whole lab leave it alone.
class Subject {
 public:
  explicit Subject(uint64_t rate, int64_t gc_percent = 100)
      : runtime_(options(rate, gc_percent)), thread_(runtime_, "lab") {}

  runtime::Runtime& runtime() { return runtime_; }

  template <class Body>
  Measurement measure(uint64_t ops, Body body) {
    const ProfileLabels label("scenario", "boxed");
    const gc::GcStats before = runtime_.stats();
    const uint64_t start = gc::monotonic_ns();
    constexpr uint64_t kChunk = 1024;
    for (uint64_t i = 0; i < ops; ++i) {
      body(i);
      if (i % kChunk == 0) thread_.safepoint();
    }
    return MeasuredRuntime::difference(before, runtime_.stats(), ops, gc::monotonic_ns() - start);
  }

 private:
  static runtime::Options options(uint64_t rate, int64_t gc_percent) {
    runtime::Options options;
    options.mem_profile_rate = rate;
    options.gc_percent = gc_percent;
    options.use_environment = false;  // a collector that is off has nothing to show
    return options;
  }

  runtime::Runtime runtime_;
  runtime::Thread thread_;
};

// --- the heap

struct HeapLook {
  uint64_t rate;
  const char* sample_type;
  bool hide_runtime;
  bool write;
};

Measurement look_at_heap(uint64_t all_ops, const HeapLook& look) {
  const uint64_t ops = fewer_at_rate_1(all_ops, look.rate);
  Subject subject(look.rate);
  const Boxes boxes;
  Measurement m = subject.measure(ops, [&](uint64_t i) {
    look.write ? write_boxed(boxes, i) : static_cast<void>(read_boxed(boxes, i));
  });
  subject.runtime().collect();  // what is in use is so as of a collection
  pprof::HeapProfileOptions options;
  options.hide_runtime = look.hide_runtime;
  const pprof::Profile profile =
      pprof::heap_profile(subject.runtime().heap_profile(), look.rate, options);
  m.profile = heap_counts(profile, look.sample_type, look.write ? "write_boxed" : "read_boxed");
  consume(boxes.map);
  return m;
}

// --- the CPU

// Every fourth operation writes: reads are then in the profile too while marking goes on.
Measurement under_cpu_profile(uint64_t ops, bool write, runtime::CpuProfiler* profiler) {
  Subject subject(0, kGcPercent);
  const auto live = Map<int64_t, eface>::make(kLive);
  for (int64_t i = 0; i < kLive; ++i) {
    if (!live.insert_or_assign(i, runtime::to_eface(i + 256))) throw std::bad_alloc();
  }
  const Boxes boxes;
  profiler->add(subject.runtime());
  Measurement m = subject.measure(ops, [&](uint64_t i) {
    if (write && i % 4 == 0) write_boxed(boxes, i);
    consume(read_boxed(boxes, i));
  });
  consume(live.header());
  consume(boxes.map);
  return m;
}

// Symbols are looked up when the runtime is gone: it would wait for its thread meanwhile.
Measurement look_at_cpu(uint64_t all_ops, bool write) {
  const uint64_t ops = all_ops * kMore;
  runtime::CpuProfileOptions options;
  options.rate = kCpuRate;
  runtime::CpuProfiler profiler(options);
  Measurement m = under_cpu_profile(ops, write, &profiler);
  m.profile = cpu_counts(pprof::cpu_profile(profiler.stop()));
  return m;
}

// --- Go's profiles

// Its program writes one beside itself, which is read as ours are.
template <class Counts>
auto go_profile(const char* arm, Counts counts) {
  return [arm, counts](const GoPeer& go, uint64_t ops,
                       std::string* failure) -> std::optional<Measurement> {
    std::optional<Measurement> m = go.run(arm, ops, failure);
    if (!m) return std::nullopt;
    try {
      const std::string file = go.folder() + "/" + arm + ".pb.gz";
      m->profile = counts(pprof::read_file(file));
      std::filesystem::remove(file);
      // So short a run that Go's profiler took no sample of it: nothing is known.
      if (m->profile->in_mapaccess && m->profile->total == 0) m->profile.reset();
    } catch (const std::runtime_error& error) {
      *failure = error.what();
      return std::nullopt;
    }
    return m;
  };
}

auto go_heap(const char* arm, const HeapLook& look, const char* function) {
  const auto run = go_profile(arm, [=](const pprof::Profile& profile) {
    return heap_counts(profile, look.sample_type, function);
  });
  return [run, rate = look.rate](const GoPeer& go, uint64_t ops, std::string* failure) {
    return run(go, fewer_at_rate_1(ops, rate), failure);
  };
}

// --- the experiment

Arm heap_arm(std::string name, const HeapLook& look, const char* go_arm) {
  const char* function = look.write ? "main.writeBoxed" : "main.readBoxed";
  return {std::move(name),
          "",
          look.rate == 0 ? Role::kControl : Role::kTreatment,
          kNone,
          [look](uint64_t ops) { return look_at_heap(ops, look); },
          {},
          go_arm == nullptr ? nullptr : decltype(Arm::run_go)(go_heap(go_arm, look, function))};
}

Arm cpu_arm(std::string name, Role role, bool write, const char* go_arm) {
  return {std::move(name),
          "",
          role,
          kCpuRead,
          [write](uint64_t ops) { return look_at_cpu(ops, write); },
          {},
          go_profile(go_arm, cpu_counts)};
}

std::string verdict(const std::vector<ArmResult>& arms) {
  const auto percent = [](double share) { return share * 100; };
  const ProfileFigures& cpu = *arms[kCpuWrite].ours.profile;
  return fmt::format(
      "False: no heap profile shows a read, and one without the runtime's frames, as Go's, shows "
      "neither convT2E nor mallocgc. Marking is in CPU profiles only: {:.0f} % of the time in the "
      "background, {:.0f} % in assists below mallocgc, {:.0f} % below mapaccess. Every object is "
      "found at rate 1; at 512 KiB, estimated, {:.2f} of each.",
      percent(*cpu.mark_in_background), percent(*cpu.mark_in_assist),
      percent(*cpu.mark_in_mapaccess), arms[kSampled].ours.profile->objects_per_op);
}

}  // namespace

Experiment x11_profiles() {
  Experiment x;
  x.id = "X11";
  x.title = "What each profile shows, and what it hides";
  x.claim =
      "The heap's flame graph shows runtime.convT2E, runtime.mallocgc and runtime.greyobject below "
      "mapaccess at every read; labels tell whose samples they are.";
  x.work =
      "m[k] = v boxes 64 bytes into a map[string]any of 64 keys by convT2E, v, ok := m[k] reads "
      "it, both with the label scenario=boxed. Heap profiles: of each write, or each read. CPU "
      "profiles: reads alone, then a write to four reads, beside 200,000 live boxes to be marked.";
  x.op = "one write or one read";
  x.note =
      "objects: those that the profile counts below the writing (the reading) function; in use, "
      "as of a collection. runtime leaf: the share of them whose innermost frame is the "
      "runtime's. labels: the share of the profile with the label. mark: the share of CPU time in "
      "gcDrain, scanobject and greyobject, in the background worker (bg.), in assists below "
      "mallocgc, and below mapaccess (map). At rate 1 there are an eighth of the operations, "
      "under the CPU profile of Greyhound six times as many. Go hides its runtime's frames and "
      "keeps no labels in heap profiles, whatever is asked for.";
  x.arms = {
      heap_arm("no profile", {0, "alloc_objects", false, true}, nullptr),
      heap_arm("allocated, rate 1", {1, "alloc_objects", false, true}, "heap-exact"),
      heap_arm("allocated, 512 KiB", {kUsualRate, "alloc_objects", false, true}, "heap-sampled"),
      heap_arm("runtime hidden", {1, "alloc_objects", true, true}, nullptr),
      heap_arm("in use, rate 1", {1, "inuse_objects", false, true}, "heap-inuse"),
      heap_arm("of reads, rate 1", {1, "alloc_objects", false, false}, "heap-reads"),
      cpu_arm("CPU, reads", Role::kControl, false, "cpu-reads"),
      cpu_arm("CPU, writes too", Role::kTreatment, true, "cpu-writes"),
  };
  x.expectations = {
      {Count::kProfileObjects, {kExact, kHidden}, '+', 1, 1e-9},
      {Count::kProfileObjects, {kSampled}, '+', 1, kFiveErrors},
      {Count::kProfileObjects, {kInUse, kRead}, '0', 0, 1e-3},
      {Count::kRuntimeLeaf, {kExact, kSampled}, '+', 1, 1e-9},
      {Count::kRuntimeLeaf, {kHidden}, '0', 0, 1e-9},
      {Count::kLabelled, {kExact, kSampled, kHidden}, '+', 1, 1e-9},
      {Count::kMarkInBackground, {kCpuWrite}, '+'},
      {Count::kMarkInAssist, {kCpuWrite}, '+'},
      {Count::kMarkInMapaccess, {kCpuWrite}, '0'},
  };
  x.columns = {Column::kProfileObjects,   Column::kRuntimeLeaf,  Column::kLabelled,
               Column::kMarkInBackground, Column::kMarkInAssist, Column::kMarkInMapaccess};
  x.go_columns = {Column::kProfileObjects, Column::kRuntimeLeaf, Column::kLabelled};
  x.timed = false;
  x.own_cpu_profile = true;
  x.ops = 4'000'000;
  x.quick_ops = 2'000'000;
  x.repetitions = 3;
  x.quick_repetitions = 1;
  x.quick_seconds = 3;
  x.verdict = verdict;
  return x;
}

}  // namespace greyhound::lab
