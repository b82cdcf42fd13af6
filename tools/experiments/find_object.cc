// SPDX-License-Identifier: MIT
// X13: findObject, stage by stage. Rows 76 to 80 of the document's claims. mheap::findObject asks:
// is the address in the heap's range, has its page a span, is it before the span's end; then it
// divides by the size of the span's objects. There is an arm for an address that ends at each of
// these. Rests on how many lookups give the slot that the address lies in.
//
// What would mislead: one address over and over is predicted and cached all the way, hence the arms
// over a million objects in random order; and the addresses come from an array, which costs the
// control the same.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include "runtime/base/check.h"
#include "tools/common/text_table.h"
#include "tools/experiments/experiment.h"
#include "tools/experiments/measured_runtime.h"

namespace greyhound::lab {
namespace {

enum : size_t {
  kLoop,
  kGlobal,
  kStack,
  kFreePage,
  kSpanTail,
  kHitHot,
  kFreeSlot,
  kHitCold,
  kInterior
};

constexpr uint64_t kAddresses = 1 << 20;
constexpr uintptr_t kInside = 20;  // of an object's 48 bytes; not a multiple of a word

// 48 bytes do not divide a span's pages, so that it has a tail in which no object fits.
struct Object {
  std::array<int64_t, 6> words;
};

int64_t some_global = 1;

uintptr_t address_of(const void* object) { return reinterpret_cast<uintptr_t>(object); }

// Nothing dies, whatever the environment says: what is looked up is to stay as it was made.
runtime::Options without_cycles() {
  runtime::Options options;
  options.gc_percent = gc::kGcOff;
  options.use_environment = false;
  return options;
}

const gc::mspan& span_of_one_object(MeasuredRuntime& measured) {
  const auto* const object = measured.thread().make<Object>();
  const gc::mspan* span = measured.runtime().collector().heap.findObject(address_of(object)).span;
  GREYHOUND_CHECK(span != nullptr && span->nelems > 1 &&
                  span->limit() < span->base + span->bytes());
  return *span;
}

// --- what each arm looks up

using Addresses = std::vector<uintptr_t>;

Addresses same(uintptr_t address) { return Addresses(kAddresses, address); }

Addresses global(MeasuredRuntime&) { return same(address_of(&some_global)); }
Addresses stack(MeasuredRuntime&) {
  int64_t here = 0;
  consume(&here);
  return same(address_of(&here));
}
// The last page of the address space that the heap has reserved and never used.
Addresses free_page(MeasuredRuntime& measured) {
  const gc::mheap& heap = measured.runtime().collector().heap;
  return same(heap.base() + heap.size() - sizeof(uintptr_t));
}
Addresses span_tail(MeasuredRuntime& measured) {
  return same(span_of_one_object(measured).limit());
}
// The object's span is its own, and the last slot is the last to be handed out.
Addresses free_slot(MeasuredRuntime& measured) {
  const gc::mspan& span = span_of_one_object(measured);
  return same(span.object_base(span.nelems - 1));
}
Addresses hot(MeasuredRuntime& measured) {
  return same(address_of(measured.thread().make<Object>()));
}
Addresses random_objects(MeasuredRuntime& measured) {
  Addresses addresses;
  addresses.reserve(kAddresses);
  for (uint64_t i = 0; i < kAddresses; ++i)
    addresses.push_back(address_of(measured.thread().make<Object>()));
  std::shuffle(addresses.begin(), addresses.end(), std::mt19937_64(13));
  return addresses;
}

// --- one repetition

template <class Each>
Measurement measure(MeasuredRuntime& measured, const Addresses& addresses, uint64_t ops,
                    Each each) {
  return measured.measure(ops, [&](uint64_t i) { each(addresses[i % kAddresses]); });
}

Measurement loop_only(uint64_t ops) {
  MeasuredRuntime measured(without_cycles());
  Measurement m =
      measure(measured, global(measured), ops, [](uintptr_t address) { consume(address); });
  m.found = 0;
  return m;
}

// Each lookup is of an address + `inside`, and is to give the address.
Measurement look_up(uint64_t ops, Addresses (*make)(MeasuredRuntime&), uintptr_t inside) {
  MeasuredRuntime measured(without_cycles());
  const gc::mheap& heap = measured.runtime().collector().heap;
  const Addresses addresses = make(measured);
  Measurement m = measure(measured, addresses, ops, [&](uintptr_t address) {
    consume(heap.findObject(address + inside).base);
  });
  m.found = 0;  // counted apart, so that the counting costs the loop nothing
  for (uint64_t i = 0; i < ops; ++i) {
    const uintptr_t address = addresses[i % kAddresses];
    *m.found += heap.findObject(address + inside).base == address ? 1 : 0;
  }
  return m;
}

// --- the experiment

Arm arm(std::string name, Addresses (*make)(MeasuredRuntime&), uintptr_t inside = 0,
        std::optional<double> found = {}, std::optional<double> ns = {}) {
  Arm a{std::move(name),
        "",
        Role::kTreatment,
        kLoop,
        [make, inside](uint64_t ops) { return look_up(ops, make, inside); },
        {}};
  a.recorded.found_per_op = found;
  if (ns) a.recorded.ns_per_op = Spread{*ns, {}, {}, 0};
  return a;
}

Arm control() {
  Arm a{"loop alone", "", Role::kControl, kLoop, loop_only, {}};
  a.recorded.ns_per_op = Spread{1.7, {}, {}, 0};
  return a;
}

std::string verdict(const std::vector<ArmResult>& arms) {
  const auto found = [&arms](size_t arm) {
    return with_commas(
        static_cast<uint64_t>(*arms[arm].ours.found_per_op * static_cast<double>(arms[arm].ops)));
  };
  return fmt::format(
      "False: of {} pointers to byte 20 of an object, {} gave the object, and of as many to a slot "
      "that holds none, {} gave the slot: findObject knows neither alignment nor what is "
      "allocated. Outside the heap, on a free page and in a span's tail nothing was found ({}).",
      with_commas(arms[kInterior].ops), found(kInterior), found(kFreeSlot), found(kGlobal));
}

}  // namespace

Experiment x13_find_object() {
  Experiment x;
  x.id = "X13";
  x.title = "findObject, stage by stage";
  x.claim =
      "findObject consults allocation and mark bits, gives nil, false for an unaligned pointer, "
      "and takes 5-15 + 2-8 + 1-3 ns: page cache, span, object.";
  x.work =
      "Lookups of an address: of a global and of a local variable (outside the heap's range), on a "
      "page without a span, in a span's tail where no slot fits; of one object (hot), of a slot "
      "that no object has had, of a million objects in random order (cold), and of byte 20 of "
      "each.";
  x.op = "one lookup";
  x.note =
      "found: lookups that gave the slot in which the address lies. over: the median, less that of "
      "the loop alone. Go does not export findObject: its figures are recorded ones, from an "
      "instrumented runtime. Its heap is in pieces and holds stacks too, so it must read a span to "
      "reject a stack address; Greyhound compares with one range.";
  x.arms = {
      control(),
      arm("global", global, 0, 0, 2.0),
      arm("stack", stack, 0, 0, 2.3),
      arm("free page", free_page),
      arm("span tail", span_tail),
      arm("hit, hot", hot, 0, 1, 2.7),
      arm("free slot, hot", free_slot),
      arm("hit, cold", random_objects, 0, 1, 3.7),
      arm("byte 20, cold", random_objects, kInside, 1),
  };
  x.expectations = {
      {Count::kFoundPerOp, {kGlobal, kStack, kFreePage, kSpanTail}, '0', 0, 1e-9},
      {Count::kFoundPerOp, {kHitHot, kFreeSlot, kHitCold, kInterior}, '+', 1, 1e-9},
  };
  x.columns = {Column::kFound, Column::kNs, Column::kNsSpread, Column::kNsOver};
  x.go_columns = {Column::kFound, Column::kNs, Column::kNsOver};
  x.unit = "lookups";
  x.ops = 4 * kAddresses;
  x.quick_ops = kAddresses;
  x.repetitions = 15;
  x.quick_repetitions = 9;
  x.quick_seconds = 1;
  x.verdict = verdict;
  return x;
}

}  // namespace greyhound::lab
