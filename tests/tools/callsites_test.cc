// SPDX-License-Identifier: MIT
// greyhound callsites: what it finds in this program's code, in the greyhound command's, and what
// it says of functions and files that are none. The functions here are what the tests read; each is
// one case of how an allocation can hide.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "gc/alloc/malloc_inl.h"
#include "runtime/base/check.h"
#include "runtime/greyhound.h"
#include "tests/tools/command.h"
#include "tools/callsites/report.h"
#include "tools/callsites/search.h"

namespace {

volatile int choice = 0;

}  // namespace

// Named by their symbols, so that no compiler's mangling matters.
extern "C" {

GREYHOUND_NOINLINE int callsites_test_none(int a) { return a + 1; }

GREYHOUND_NOINLINE void* callsites_test_inlined() { return greyhound::gc::malloc_noscan_inl<48>(); }

GREYHOUND_NOINLINE void* callsites_test_direct() { return greyhound::gc::mallocgc(48, nullptr); }

GREYHOUND_NOINLINE void* callsites_test_two_calls_away() {
  void* first = callsites_test_direct();
  return choice != 0 ? first : callsites_test_inlined();
}

GREYHOUND_NOINLINE void callsites_test_panics(int a) {
  if (a == 7) {
    void* message = callsites_test_direct();
    greyhound::fatal("seven: %p", message);
  }
}

GREYHOUND_NOINLINE int callsites_test_pointer(int (*function)(int)) { return function(1) + 1; }

GREYHOUND_NOINLINE int callsites_test_malloc(int a) {
  void* volatile memory = std::malloc(static_cast<size_t>(a));
  std::free(memory);
  return a;
}

GREYHOUND_NOINLINE int callsites_test_recursive(int a) {
  return a == 0 ? 0 : callsites_test_recursive(a - 1) + choice;
}

// A switch that compilers make a table of; no jump of it leaves the function.
GREYHOUND_NOINLINE int callsites_test_switch(int a) {
  switch (a) {
    case 0:
      return choice;
    case 1:
      return callsites_test_none(choice);
    case 2:
      return choice * 3;
    case 3:
      return choice - 9;
    case 4:
      return choice / 5;
    case 5:
      return choice ^ 77;
    default:
      return 0;
  }
}

}  // extern "C"

// Clang writes a function's debug information into its namespace's.
namespace callsites_test::inner {

GREYHOUND_NOINLINE void* in_namespaces() { return greyhound::gc::malloc_noscan_inl<48>(); }

}  // namespace callsites_test::inner

namespace greyhound::callsites {
namespace {

using testing::Output;
using testing::run_greyhound;

const Binary& this_program() {
  static const Binary binary(std::filesystem::read_symlink("/proc/self/exe").string());
  return binary;
}

Report report_of(const std::string& name) {
  const std::vector<const Function*> found = functions_named(this_program(), name);
  if (found.size() != 1) throw std::runtime_error("no one function " + name);
  return search(this_program(), *found.front());
}

// Keeps the functions above, whatever the linker thinks of them.
TEST(Callsites, FunctionsOfThisTestDoWhatTheySay) {
  EXPECT_EQ(callsites_test_none(1), 2);
  EXPECT_EQ(callsites_test_pointer(callsites_test_none), 3);
  EXPECT_EQ(callsites_test_malloc(8), 8);
  EXPECT_EQ(callsites_test_recursive(3), 0);
  EXPECT_EQ(callsites_test_switch(9), 0);
  callsites_test_panics(1);
  runtime::Runtime rt;
  runtime::Thread thread(rt, "test");
  EXPECT_NE(callsites_test_two_calls_away(), nullptr);
  EXPECT_NE(callsites_test::inner::in_namespaces(), nullptr);
}

TEST(Callsites, FunctionWithoutCallsReachesNothing) {
  const Report report = report_of("callsites_test_none");
  EXPECT_TRUE(report.allocating.empty());
  EXPECT_TRUE(report.sites.empty()) << format_text(report, "");
  EXPECT_EQ(report.searched, 1u);
}

TEST(Callsites, DirectCallIsFoundWithItsPlace) {
  const Report report = report_of("callsites_test_direct");
  ASSERT_EQ(report.allocating.size(), 1u) << format_text(report, "");
  const Site& site = report.allocating.front();
  EXPECT_EQ(site.kind, SiteKind::kCall);
  EXPECT_EQ(site.callee, "runtime.mallocgc");
  ASSERT_FALSE(site.path.empty());
  EXPECT_TRUE(site.path.back().file.ends_with("callsites_test.cc")) << site.path.back().file;
  EXPECT_GT(site.path.back().line, 0);
}

#if defined(__OPTIMIZE__) && !defined(GREYHOUND_TSAN) && !defined(GREYHOUND_ASAN)
TEST(Callsites, InlinedAllocationCounts) {
  for (const char* name : {"callsites_test_inlined", "callsites_test::inner::in_namespaces"}) {
    const Report report = report_of(name);
    ASSERT_FALSE(report.allocating.empty()) << format_text(report, "");
    const Site& site = report.allocating.front();
    EXPECT_EQ(site.kind, SiteKind::kInlined);
    EXPECT_EQ(site.callee, "runtime.malloc_fast");
    ASSERT_FALSE(site.path.empty());
    EXPECT_TRUE(site.path.front().file.ends_with("callsites_test.cc")) << site.path.front().file;
  }
}
#endif

TEST(Callsites, EachCallThatLeadsToAnAllocationIsOneAndHasItsWay) {
  const Report report = report_of("callsites_test_two_calls_away");
  ASSERT_EQ(report.allocating.size(), 2u) << format_text(report, "");
  for (const Site& site : report.allocating) {
    ASSERT_GE(site.path.size(), 2u);
    EXPECT_EQ(site.path.front().function, "callsites_test_two_calls_away");
    EXPECT_NE(site.path[1].function, site.path[0].function);
  }
}

TEST(Callsites, WayToAPanicIsNoAllocationOfTheFunction) {
  const Report report = report_of("callsites_test_panics");
  EXPECT_TRUE(report.allocating.empty()) << format_text(report, "");
  EXPECT_EQ(report.count(SiteKind::kCall, false), 0u);
  EXPECT_EQ(report.count(SiteKind::kCall, true), 1u) << format_text(report, "");
}

TEST(Callsites, CallThroughAPointerIsSaidToBeOne) {
  const Report report = report_of("callsites_test_pointer");
  EXPECT_TRUE(report.allocating.empty());
  EXPECT_EQ(report.count(SiteKind::kPointer, false), 1u) << format_text(report, "");
  EXPECT_NE(format_text(report, "").find("1 call goes through a pointer"), std::string::npos);
}

TEST(Callsites, MallocIsNoAllocationOfTheCollectors) {
  const Report report = report_of("callsites_test_malloc");
  EXPECT_TRUE(report.allocating.empty());
  EXPECT_EQ(report.count(SiteKind::kOffHeap, false), 1u) << format_text(report, "");
}

TEST(Callsites, RecursionAndSwitchesEnd) {
  EXPECT_TRUE(report_of("callsites_test_recursive").sites.empty());
  const Report report = report_of("callsites_test_switch");
  EXPECT_TRUE(report.sites.empty()) << format_text(report, "");
}

TEST(Callsites, NamesAreFoundWithoutTheirFirstPart) {
  EXPECT_EQ(functions_named(this_program(), "mapassign_fast64").size(), 1u);
  EXPECT_EQ(functions_named(this_program(), "runtime.mapassign_fast64").size(), 1u);
  EXPECT_TRUE(functions_named(this_program(), "apassign_fast64").empty());
  const Function* function = functions_named(this_program(), "mapassign_fast64").front();
  char address[32];
  std::snprintf(address, sizeof address, "0x%llx",
                static_cast<unsigned long long>(function->address));
  ASSERT_EQ(functions_named(this_program(), address).size(), 1u);
  EXPECT_EQ(functions_named(this_program(), address).front(), function);
  EXPECT_EQ(functions_named(this_program(), function->symbol).front(), function);
}

// --- the maps, in the command as it is built

nlohmann::json callsites_json(const std::string& function) {
  const Output output = run_greyhound("callsites --json " + function);
  EXPECT_EQ(output.status, 0) << output.err;
  return nlohmann::json::parse(output.out, nullptr, false);
}

TEST(Callsites, NoMapReadReachesAnAllocation) {
  for (const char* function : {"mapaccess1", "mapaccess2", "mapaccess1_fat", "mapaccess1_fast64",
                               "mapaccess2_fast64", "mapaccess1_faststr", "mapaccess2_faststr"}) {
    const nlohmann::json report = callsites_json(function);
    EXPECT_TRUE(report["allocating_calls"].empty()) << report.dump(2);
    EXPECT_EQ(report["undecoded_bytes"], 0) << function;
    for (const auto& site : report["sites"])
      EXPECT_TRUE(site["kind"] == "pointer" || site["only_to_panic"]) << site.dump(2);
  }
}

// To any allocation that it can reach and go on.
std::set<std::string> functions_on_the_way(const nlohmann::json& report) {
  std::set<std::string> names;
  for (const auto& call : report["sites"]) {
    if (call["only_to_panic"] || (call["kind"] != "call" && call["kind"] != "inlined")) continue;
    for (const auto& step : call["path"]) {
      names.insert(step["function"]);
      EXPECT_FALSE(step["file"].get<std::string>().empty()) << call.dump(2);
      EXPECT_GT(step["line"], 0) << call.dump(2);
    }
  }
  return names;
}

TEST(Callsites, MapWriteReachesGrowingOverflowAndTheAllocator) {
  for (const char* function : {"mapassign_fast64", "mapassign_faststr", "mapassign"}) {
    const nlohmann::json report = callsites_json(function);
    EXPECT_GE(report["allocating_calls"].size(), 3u) << function;
    const std::set<std::string> names = functions_on_the_way(report);
    // The new table, whether hashGrow makes it or, for the first one, another.
    EXPECT_TRUE(names.contains("runtime.makeBucketArray")) << report.dump(2);
    EXPECT_TRUE(names.contains("runtime.newoverflow")) << report.dump(2);
  }
}

TEST(Callsites, TextNamesTheFunctionTheVerdictAndThePlaces) {
  const Output read = run_greyhound("callsites mapaccess1_fast64");
  EXPECT_EQ(read.status, 0) << read.err;
  EXPECT_NE(read.out.find("No call of it reaches an allocation."), std::string::npos) << read.out;
  const Output write = run_greyhound("callsites mapassign_fast64");
  EXPECT_NE(write.out.find("maps/fast64.cc:"), std::string::npos) << write.out;
  EXPECT_NE(write.out.find("runtime.assign_place (inlined)"), std::string::npos) << write.out;
  EXPECT_NE(write.out.find("runtime.makeBucketArray"), std::string::npos) << write.out;
}

// --- what cannot be read

void expect_refused(const std::string& arguments, const std::string& part) {
  const Output output = run_greyhound("callsites " + arguments);
  EXPECT_EQ(output.status, 2) << output.out;
  EXPECT_TRUE(output.out.empty());
  EXPECT_NE(output.err.find(part), std::string::npos) << output.err;
}

TEST(Callsites, UnknownFunctionsAreRefusedWithTheNearest) {
  expect_refused("mapacces1_fast64", "mapaccess1_fast64");
  expect_refused("mapaccess", "runtime.mapaccess1");
  expect_refused("''", "needs a function");
  expect_refused("", "needs a function");
  expect_refused("0x10", "no function begins at 0x10");
  expect_refused("mapaccess1 mapaccess2", "one function");
}

TEST(Callsites, NameOfSeveralFunctionsIsRefusedWithAllOfThem) {
  const Output output = run_greyhound("callsites push_back");
  EXPECT_EQ(output.status, 2);
  EXPECT_GE(output.err_lines().size(), 3u) << output.err;
}

TEST(Callsites, FilesThatAreNoExecutableAreRefused) {
  expect_refused("main --binary /nowhere/at/all", "No such file");
  expect_refused("main --binary /etc/passwd", "no executable for x86-64");
  expect_refused("main --binary /tmp", "/tmp");
}

struct Temporary {
  std::string path = testing::temporary_path(".binary");
  ~Temporary() { std::remove(path.c_str()); }
};

TEST(Callsites, ExecutableWithoutSymbolsOrDebugInformationIsRefused) {
  if (std::system("strip --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no strip here";
  const Temporary stripped, symbols_only;
  const std::string command = "'" GREYHOUND_COMMAND "'";
  ASSERT_EQ(std::system(("strip -o '" + stripped.path + "' " + command).c_str()), 0);
  expect_refused("mapaccess1 --binary '" + stripped.path + "'", "stripped");
  ASSERT_EQ(std::system(("strip -g -o '" + symbols_only.path + "' " + command).c_str()), 0);
  expect_refused("mapaccess1 --binary '" + symbols_only.path + "'", "no debug information");
}

TEST(Callsites, ExecutableCutShortIsRefused) {
  const Temporary cut;
  const std::string whole = testing::read_file(GREYHOUND_COMMAND);
  for (const size_t size : {size_t{10}, size_t{64}, size_t{5000}, whole.size() / 2}) {
    std::ofstream(cut.path, std::ios::binary) << whole.substr(0, size);
    const Output output = run_greyhound("callsites mapaccess1 --binary '" + cut.path + "'");
    EXPECT_EQ(output.status, 2) << size << output.out;
    EXPECT_EQ(output.err_lines().size(), 1u) << output.err;
  }
}

}  // namespace
}  // namespace greyhound::callsites
