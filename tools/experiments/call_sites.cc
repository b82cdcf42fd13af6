// SPDX-License-Identifier: MIT
// X12: which allocation calls a function can reach. Rows 70 to 72 of the document's claims. Nothing
// is measured here but code: this program's own, and the Go program's, are read by
// tools/callsites. Rests on the calls of each function by which an allocation can be reached, code
// of the allocator's that was inlined included, and on those that go through a pointer.
//
// What would mislead: a map of any key type hashes and compares keys through pointers, which the
// code of mapaccess1 says nothing about; hence the arm that reads what they point to in maps of the
// usual key types. And GCC places what is rarely run elsewhere: parts count with their function.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <set>

#include "maps/map.h"
#include "runtime/greyhound.h"
#include "tools/callsites/search.h"
#include "tools/experiments/experiment.h"
#include "tools/experiments/subprocess.h"

// The control: no call at all.
extern "C" GREYHOUND_NOINLINE void greyhound_lab_empty_function() { asm volatile(""); }

namespace greyhound::lab {
namespace {

using callsites::Binary;
using callsites::Function;
using callsites::SiteKind;

enum : size_t {
  kNothing,
  kRead1Fast64,
  kRead2Fast64,
  kRead1Str,
  kRead2Str,
  kRead1,
  kRead2,
  kHashes,
  kWriteFast64,
  kWriteStr,
  kWrite,
  kBox,
};

const Binary& this_program() {
  static const Binary binary(std::filesystem::read_symlink("/proc/self/exe").string());
  return binary;
}

std::string obstacle() try {
  this_program();
  return {};
} catch (const std::exception& error) {
  return error.what();
}

void add(const callsites::Report& report, Measurement* m) {
  *m->alloc_calls += report.allocating.size();
  *m->pointer_calls += report.count(SiteKind::kPointer, false);
}

Measurement nothing_found() {
  Measurement m;
  m.ops = 1;
  m.alloc_calls = m.pointer_calls = 0;
  return m;
}

Measurement timed(Measurement m, uint64_t start) {
  m.ns_per_op = {static_cast<double>(gc::monotonic_ns() - start)};
  return m;
}

// Absent when the program has no such function, or several.
std::optional<Measurement> read_code(const Binary& binary, const std::string& name) {
  const uint64_t start = gc::monotonic_ns();
  const std::vector<const Function*> found = callsites::functions_named(binary, name);
  if (found.size() != 1) return std::nullopt;
  Measurement m = nothing_found();
  add(callsites::search(binary, *found.front()), &m);
  return timed(std::move(m), start);
}

Measurement read_own(const std::string& name) {
  std::optional<Measurement> m = read_code(this_program(), name);
  if (!m) throw std::runtime_error("this program's code has no function " + name);
  return *m;
}

// --- what maps call through pointers

// In this process a function's address is more than in the file by what the program was moved.
uint64_t address_in_file(const void* function) {
  const auto* const known = reinterpret_cast<const void*>(&maps::mapaccess1);
  const uint64_t in_file =
      callsites::functions_named(this_program(), "runtime.mapaccess1").front()->address;
  return in_file + (reinterpret_cast<uintptr_t>(function) - reinterpret_cast<uintptr_t>(known));
}

std::set<uint64_t> hashes_and_equalities() {
  std::set<uint64_t> addresses;
  const maps::MapType* const types[] = {
      maps::Map<int64_t, int64_t>::type(), maps::Map<int32_t, int64_t>::type(),
      maps::Map<double, int64_t>::type(),  maps::Map<bool, int64_t>::type(),
      maps::Map<String, int64_t>::type(),  maps::Map<eface, int64_t>::type()};
  for (const maps::MapType* type : types) {
    addresses.insert(address_in_file(reinterpret_cast<const void*>(type->hasher)));
    addresses.insert(address_in_file(reinterpret_cast<const void*>(type->equal)));
  }
  return addresses;
}

Measurement read_hashes(uint64_t) {
  const uint64_t start = gc::monotonic_ns();
  Measurement m = nothing_found();
  for (const uint64_t address : hashes_and_equalities()) {
    const Function* function = this_program().function_at(address);
    if (function == nullptr) throw std::runtime_error("a hash function has no symbol");
    add(callsites::search(this_program(), *function), &m);
  }
  return timed(std::move(m), start);
}

// --- the experiment

// Go's program, opened once for all arms: ten readings of it have most of what they read in common.
struct GoCode {
  std::string path;
  std::unique_ptr<Binary> binary;
};

// Absent where this Go has no such function; its code may have other names in later releases.
std::optional<Measurement> read_go(const GoPeer& go, const std::string& name, GoCode* code) try {
  if (code->binary == nullptr || code->path != go.program())
    *code = {go.program(), std::make_unique<Binary>(go.program())};
  return read_code(*code->binary, name);
} catch (const callsites::BinaryError&) {
  return std::nullopt;
}

Arm arm(const std::shared_ptr<GoCode>& code, const std::string& function,
        std::optional<double> recorded = {}) {
  const std::string name = "runtime." + function;
  Arm a{function,
        "",
        Role::kTreatment,
        kNothing,
        [name](uint64_t) { return read_own(name); },
        {},
        [name, code](const GoPeer& go, uint64_t, std::string*) {
          return read_go(go, name, code.get());
        }};
  a.recorded.alloc_calls = recorded;
  return a;
}

Arm own_arm(std::string name, Role role, std::function<Measurement(uint64_t)> run) {
  return {std::move(name), "", role, kNothing, std::move(run), {}, {}};
}

std::string verdict(const std::vector<ArmResult>& arms) {
  const auto calls = [&arms](size_t arm) { return *arms[arm].ours.alloc_calls; };
  return fmt::format(
      "False: no call of mapaccess1_fast64, nor of any other read, reaches an allocation. Writing "
      "does: {:.0f} calls of mapassign_fast64 (`{} callsites mapassign_fast64` says where). "
      "Reads that work for any type of key call its hash and equality through a pointer, in {:.0f} "
      "places; those of the usual types reach no allocation either.",
      calls(kWriteFast64), program_as_called(), *arms[kRead1].ours.pointer_calls);
}

}  // namespace

Experiment x12_call_sites() {
  Experiment x;
  x.id = "X12";
  x.title = "Which allocations a map read can reach, by its code";
  x.claim =
      "The machine code of mapaccess1_fast64 has three calls of mallocgc, some of them through a "
      "register.";
  x.work =
      "The machine code of this program is read: the function, all that it calls, and what was "
      "inlined into either (by DWARF). Of the Go program the functions of the same names.";
  x.op = "one reading of a function's code";
  x.unit = "readings";
  x.note =
      "allocating calls: calls of the function itself, or inlined code, by which mallocgc can be "
      "reached and the function still go on; not those on the way to a panic. by pointer: calls "
      "whose target the code does not say, in all that was read. `" +
      program_as_called() +
      " callsites FUNCTION [--binary FILE]` lists each with file and line, for any program with "
      "debug information.";
  const auto code = std::make_shared<GoCode>();
  x.arms = {
      own_arm("an empty function", Role::kControl,
              [](uint64_t) { return read_own("greyhound_lab_empty_function"); }),
      arm(code, "mapaccess1_fast64", 0),
      arm(code, "mapaccess2_fast64", 0),
      arm(code, "mapaccess1_faststr"),
      arm(code, "mapaccess2_faststr"),
      arm(code, "mapaccess1"),
      arm(code, "mapaccess2"),
      own_arm("keys' hash and equal", Role::kTreatment, read_hashes),
      arm(code, "mapassign_fast64", 5),
      arm(code, "mapassign_faststr"),
      arm(code, "mapassign"),
      arm(code, "convT64", 1),
  };
  x.expectations = {
      {Count::kAllocCalls,
       {kRead1Fast64, kRead2Fast64, kRead1Str, kRead2Str, kRead1, kRead2, kHashes},
       '0'},
      {Count::kAllocCalls, {kWriteFast64, kWriteStr, kWrite, kBox}, '+'},
      {Count::kPointerCalls, {kRead1Fast64, kRead2Fast64, kRead1Str, kRead2Str}, '0'},
      {Count::kPointerCalls, {kRead1, kRead2}, '+'},
  };
  x.columns = {Column::kAllocCalls, Column::kPointerCalls};
  x.go_columns = {Column::kAllocCalls, Column::kPointerCalls};
  x.timed = false;
  x.ops = x.quick_ops = 1;
  x.repetitions = x.quick_repetitions = 1;
  x.quick_seconds = 1.5;
  x.verdict = verdict;
  x.obstacle = obstacle;
  return x;
}

}  // namespace greyhound::lab
