// SPDX-License-Identifier: MIT
#include "tools/experiments/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "gc/alloc/malloc_inl.h"
#include "tools/experiments/ledger_loops.h"
#include "tools/experiments/measured_runtime.h"

namespace greyhound::lab {
namespace {

enum Loop : size_t { kTyped, kTypedOff, kShared, kSharedBarrier, kMalloc, kBox, kBoxed, kLoops };
constexpr const char* kGoArms[kLoops] = {"ledger-typed",  "ledger-typed-off", "ledger-shared", "",
                                         "ledger-malloc", "ledger-box",       "ledger-boxed"};

struct Sample {
  double ns = 0;  // per write
  double allocs = 0, cycles = 0, barrier_hits = 0;
  double assist = 0;   // ns per write
  double marking = 0;  // CPU ns per write, on other threads
};

runtime::Options gc_off() {
  runtime::Options options;
  options.gc_percent = gc::kGcOff;
  return options;
}

GREYHOUND_INLINE void* box_by_hand(uint64_t value) {
  void* box = gc::malloc_noscan_inl<sizeof value>();
  if (box == nullptr) [[unlikely]] {
    box = gc::mallocgc(sizeof value, nullptr);
    if (box == nullptr) throw std::bad_alloc();
  }
  *static_cast<uint64_t*>(box) = value;
  return box;
}

template <class Body>
Sample sample_of(MeasuredRuntime& measured, uint64_t ops, Body body) {
  measured.repeat(kLedgerEntries, body);  // warms up
  const gc::GcStats before = measured.runtime().stats();
  const uint64_t start = gc::thread_cpu_ns();
  measured.repeat(ops, body);
  const uint64_t elapsed = gc::thread_cpu_ns() - start;
  const gc::GcStats after = measured.runtime().stats();
  const Measurement m = MeasuredRuntime::difference(before, after, ops, elapsed);
  const auto per_op = [ops](uint64_t n) {
    return static_cast<double>(n) / static_cast<double>(ops);
  };
  Sample sample;
  sample.ns = m.ns_per_op[0];
  sample.allocs = per_op(m.allocs.value_or(0));
  sample.cycles = static_cast<double>(m.cycles.value_or(0));
  sample.barrier_hits = per_op(m.barrier_hits.value_or(0));
  sample.assist = per_op(after.assist_ns - before.assist_ns);
  sample.marking = per_op(after.mark_cpu_ns - before.mark_cpu_ns);
  return sample;
}

Sample typed(const runtime::Options& options, uint64_t ops) {
  MeasuredRuntime measured(options);
  const auto map = full_int_map();
  const Sample sample = sample_of(measured, ops, [&](uint64_t i) { write_int(map, i); });
  consume(map);
  return sample;
}

void step_to(gc::Collector& collector, gc::Phase phase) {
  while (collector.phase() != phase) collector.step(SIZE_MAX);
}

// Stores boxes that were made before. `marking`: while marking is held after its first drain, so
// that the barrier is on and, as in a real cycle, looks at objects that are marked.
Sample shared(bool marking, uint64_t ops) {
  runtime::Options options = gc_off();
  if (marking) options.mode = runtime::Mode::kStepping;
  MeasuredRuntime measured(options);
  const auto map = full_any_map();
  constexpr uint64_t kBoxes = 256;
  auto* const boxes = runtime::Thread::make_array<Ref<int64_t>>(kBoxes);
  for (uint64_t i = 0; i < kBoxes; ++i)
    boxes[i] = static_cast<int64_t*>(runtime::convT64(1000 + i));
  gc::Collector& collector = measured.runtime().collector();
  if (marking) {
    collector.request_cycle();
    for (int drained = 0; drained < 2; ++drained) {
      step_to(collector, gc::Phase::kDrain);
      step_to(collector, gc::Phase::kScanRoots);
    }
  }
  const Sample sample = sample_of(measured, ops, [&](uint64_t i) {
    *slot_of<eface>(map, i) = eface(type_of<int64_t>(), boxes[i % kBoxes].get());
  });
  if (marking) step_to(collector, gc::Phase::kIdle);
  consume(boxes);
  consume(map);
  return sample;
}

// A box for each write. With GC off, from memory that was used before: first touches are the
// kernel's business.
template <class Box>
Sample boxed(bool off, uint64_t ops, Box box) {
  MeasuredRuntime measured(off ? gc_off() : runtime::Options{});
  const auto map = full_any_map();
  const auto body = [&](uint64_t i) { write_any(map, i, box); };
  if (off) {
    measured.repeat(ops + ops / 4, body);
    measured.runtime().collect();
  }
  const Sample sample = sample_of(measured, ops, body);
  consume(map);
  return sample;
}

Sample run(Loop loop, uint64_t ops) {
  const auto convert = [](uint64_t value) { return runtime::convT64(value); };
  switch (loop) {
    case kTyped:
      return typed({}, ops);
    case kTypedOff:
      return typed(gc_off(), ops);
    case kShared:
      return shared(false, ops);
    case kSharedBarrier:
      return shared(true, ops);
    case kMalloc:
      return boxed(true, ops, box_by_hand);
    case kBox:
      return boxed(true, ops, convert);
    default:
      return boxed(false, ops, convert);
  }
}

Sample go_sample(const Measurement& m) {
  const auto per_op = [&m](uint64_t n) {
    return static_cast<double>(n) / static_cast<double>(m.ops);
  };
  Sample sample;
  sample.ns = m.ns_per_op.empty() ? 0 : m.ns_per_op[0];
  sample.allocs = per_op(m.allocs.value_or(0));
  sample.cycles = static_cast<double>(m.cycles.value_or(0));
  sample.assist = per_op(m.assist_ns.value_or(0));
  sample.marking = per_op(m.mark_cpu_ns.value_or(0)) - sample.assist;
  return sample;
}

using Repetition = std::array<Sample, kLoops>;

template <class Get>
Spread spread(const std::vector<Repetition>& repetitions, Get get) {
  std::vector<double> values;
  for (const Repetition& repetition : repetitions) values.push_back(get(repetition));
  return spread_of(std::move(values));
}

// The rest is what makes the lines add up to the total, median for median.
void close(LedgerColumn* column) {
  double sum = 0;
  for (const LedgerLine& line : column->lines) sum += line.ns ? line.ns->median : 0;
  column->lines.push_back({"rest", Spread{column->total.median - sum, {}, {}, 0}});
}

LedgerColumn unboxed_column(const std::string& who, const std::vector<Repetition>& all) {
  LedgerColumn column{"unboxed", who, {}, {}, 0, 0, 0, {}};
  column.total = spread(all, [](const Repetition& r) { return r[kTyped].ns; });
  column.lines = {{"mutator", spread(all, [](const Repetition& r) { return r[kTypedOff].ns; })},
                  {"boxing", spread_of({0})},
                  {"malloc", spread_of({0})},
                  {"assist", spread(all, [](const Repetition& r) { return r[kTyped].assist; })},
                  {"barrier", spread_of({0})}};
  column.allocs = spread(all, [](const Repetition& r) { return r[kTyped].allocs; }).median;
  column.cycles = spread(all, [](const Repetition& r) { return r[kTyped].cycles; }).median;
  column.marking = spread(all, [](const Repetition& r) { return r[kTyped].marking; }).median;
  close(&column);
  return column;
}

double barrier_ns(const Repetition& r) {
  const double hits = r[kSharedBarrier].barrier_hits;
  const double each = hits == 0 ? 0 : (r[kSharedBarrier].ns - r[kShared].ns) / hits;
  return r[kBoxed].barrier_hits * each;
}

// `barrier`: whether the barrier's share was measured.
LedgerColumn boxed_column(const std::string& who, const std::vector<Repetition>& all,
                          bool barrier) {
  LedgerColumn column{"boxed", who, {}, {}, 0, 0, 0, {}};
  column.total = spread(all, [](const Repetition& r) { return r[kBoxed].ns; });
  column.lines = {
      {"mutator", spread(all, [](const Repetition& r) { return r[kShared].ns; })},
      {"boxing", spread(all, [](const Repetition& r) { return r[kBox].ns - r[kMalloc].ns; })},
      {"malloc", spread(all, [](const Repetition& r) { return r[kMalloc].ns - r[kShared].ns; })},
      {"assist", spread(all, [](const Repetition& r) { return r[kBoxed].assist; })},
      {"barrier", barrier ? std::optional(spread(all, barrier_ns)) : std::nullopt}};
  column.allocs = spread(all, [](const Repetition& r) { return r[kBoxed].allocs; }).median;
  column.cycles = spread(all, [](const Repetition& r) { return r[kBoxed].cycles; }).median;
  column.barrier_hits =
      spread(all, [](const Repetition& r) { return r[kBoxed].barrier_hits; }).median;
  column.marking = spread(all, [](const Repetition& r) { return r[kBoxed].marking; }).median;
  close(&column);
  return column;
}

}  // namespace

Ledger measure_ledger(const Settings& settings, const GoPeer* go, const std::string& go_note,
                      Progress* progress) {
  Ledger ledger;
  ledger.ops = settings.quick ? 1'000'000 : 4'000'000;
  ledger.repetitions = settings.repetitions.value_or(settings.quick ? 7 : 15);
  ledger.go_note = go == nullptr ? go_note : "";
  std::vector<Repetition> ours(ledger.repetitions), theirs(ledger.repetitions);
  for (size_t repetition = 0; repetition < ledger.repetitions; ++repetition) {
    for (size_t i = 0; i < kLoops; ++i) {
      const size_t at = (i + repetition) % kLoops;
      progress->show(
          fmt::format("lab: ledger repetition {}/{}", repetition + 1, ledger.repetitions));
      ours[repetition][at] = run(static_cast<Loop>(at), ledger.ops);
      if (go == nullptr || !ledger.go_note.empty() || *kGoArms[at] == '\0') continue;
      std::string failure;
      if (const auto m = go->run(kGoArms[at], ledger.ops, &failure)) {
        theirs[repetition][at] = go_sample(*m);
      } else {
        ledger.go_note = "Go was found, but " + failure;
      }
    }
  }
  progress->clear();
  ledger.columns = {unboxed_column("Greyhound", ours), boxed_column("Greyhound", ours, true)};
  if (ledger.go_note.empty()) {
    ledger.columns.push_back(unboxed_column(go->version(), theirs));
    ledger.columns.push_back(boxed_column(go->version(), theirs, false));
  }
  return ledger;
}

}  // namespace greyhound::lab
