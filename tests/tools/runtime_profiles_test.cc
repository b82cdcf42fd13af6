// SPDX-License-Identifier: MIT
// Profiles of CPU time, of waits and of what the collector costs, as pprof profiles: from the
// runtime's records to files that greyhound and Go read.
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>

#include "runtime/greyhound.h"
#include "runtime/watch/pprof/cpu_profile.h"
#include "runtime/watch/pprof/gc_profile.h"
#include "runtime/watch/pprof/heap_profile.h"
#include "runtime/watch/pprof/hide_runtime.h"
#include "runtime/watch/pprof/wait_profile.h"
#include "runtime/watch/pprof/write_profile.h"
#include "tests/tools/command.h"
#include "tests/tools/process.h"
#include "tests/tools/serve_http.h"
#include "tools/pprof/profile_decode.h"
#include "tools/pprof/profile_flags.h"
#include "tools/pprof/text_report.h"
#include "tools/pprof/view.h"

namespace greyhound::pprof {
namespace {

using testing::Output;
using testing::run_greyhound;

Frame function(const std::string& name) { return {name, "_" + name, name + ".cc", 1}; }

// user::f, which has newobject_inl inlined, calls mallocgc.
Profile allocation() {
  Profile profile;
  profile.sample_types = {{"alloc_objects", "count"}};
  profile.locations = {{0x10, {function("runtime.mallocgc")}},
                       {0x20, {function("runtime.newobject_inl"), function("user::f")}},
                       {0x30, {function("runtime.gcDrain")}}};
  profile.samples = {{{0, 1}, {3}, {}, {}}, {{1}, {5}, {}, {}}, {{2}, {7}, {}, {}}};
  return profile;
}

TEST(HideRuntime, InlinedFramesOfTheRuntimeGoToo) {
  Profile profile = allocation();
  hide_runtime(&profile);
  // A stack of the runtime alone stays.
  EXPECT_EQ(format_folded(view_of(profile, {})), "runtime.gcDrain 7\nuser::f 8\n");
}

TEST(HideRuntime, TheFileOfItIsAFile) {
  Profile profile = allocation();
  hide_runtime(&profile);
  EXPECT_EQ(format_folded(view_of(decode(encode(profile)), {})), "runtime.gcDrain 7\nuser::f 8\n");
}

runtime::Options small_heap() {
  runtime::Options options;
  options.reserve = uint64_t{1} << 30;
  options.use_environment = false;
  return options;
}

struct Tree {
  Ref<Tree> left, right;
};
GREYHOUND_NOINLINE Tree* build(int depth) {
  if (depth == 0) return runtime::Thread::make<Tree>();
  Tree* left = build(depth - 1);
  Tree* right = build(depth - 1);
  return runtime::Thread::make<Tree>(left, right);
}
// At one site, so that rounding to nanoseconds is of no account.
GREYHOUND_NOINLINE Tree* chain(int count) {
  Tree* tree = nullptr;
  for (int i = 0; i < count; ++i) tree = runtime::Thread::make<Tree>(tree, tree);
  return tree;
}
// A table of pointers to a few nodes: of marking it, pushing and looking at what is marked already
// is the most, and the memory's speed is of no account.
GREYHOUND_NOINLINE Tree* table_of_few(size_t count) {
  auto* table = runtime::Thread::make_array<Tree>(count);
  for (size_t i = 0; i < count; ++i) {
    table[i].left = i < 64 ? runtime::Thread::make<Tree>() : table[i % 64].left.get();
    table[i].right = table[i].left;
  }
  return table;
}
struct Row {
  Ref<Row> next;
  std::array<int64_t, 14> payload;
};
GREYHOUND_NOINLINE Row* rows(int count) {
  Row* row = nullptr;
  for (int i = 0; i < count; ++i) {
    Row* next = runtime::Thread::make<Row>();
    next->next = row;
    row = next;
  }
  return row;
}

int64_t value_at(const Profile& profile, const std::string& type,
                 const std::string& function_name) {
  const StackView view = view_of(profile, {type, {}});
  for (const FunctionTotals& row : functions_of(view)) {
    if (row.name.ends_with(function_name)) return row.cumulative;
  }
  return 0;
}

TEST(CpuProfile, GosChainsAreThere) {
  runtime::Runtime rt(small_heap());
  runtime::CpuProfileOptions options;
  options.rate = 250;
  runtime::CpuProfiler profiler(options);
  profiler.add(rt);
  {
    runtime::Thread thread(rt);
    Tree* table = table_of_few(1 << 18);
    // Until marking has been sampled; it takes some ten milliseconds each time.
    for (int i = 0; i < 200 && rt.stats().mark_cpu_ns < 400'000'000; ++i) rt.collect();
    ASSERT_NE(table->left, nullptr);
  }
  const Profile profile = cpu_profile(profiler.stop());
  EXPECT_EQ(profile.sample_types,
            (std::vector<ValueType>{{"samples", "count"}, {"cpu", "nanoseconds"}}));
  EXPECT_EQ(profile.period, 4'000'000);
  const std::string stacks = format_folded(view_of(profile, {}));
#ifndef GREYHOUND_TSAN  // which delivers signals late, at a place of its own
  for (const char* chain : {"runtime.gcDrain;runtime.scanobject;"}) {
    EXPECT_NE(stacks.find(chain), std::string::npos) << stacks;
  }
  EXPECT_GT(value_at(profile, "cpu", "runtime.greyobject"), 0) << stacks;
#endif
  EXPECT_EQ(view_of(profile, {"cpu", {{"gcphase", "drain"}, {"thread", "mutator"}}}).total(), 0);
}

struct Point {
  int64_t x, y, z;
};

TEST(HeapProfile, BoxingIsConvT2EThatCallsMallocgc) {
  runtime::Options options = small_heap();
  options.mem_profile_rate = 1;
  runtime::Runtime rt(options);
  runtime::Thread thread(rt);
  for (int64_t i = 1; i <= 100; ++i) runtime::to_eface(Point{i, i, i});
  const Profile profile = heap_profile(rt.heap_profile(), 1);
  int64_t boxes = 0;
  const StackView view = view_of(profile, {"alloc_objects", {}});
  for (const Stack& stack : view.stacks) {
    const size_t depth = stack.functions.size();
    if (depth > 2 && view.name(stack, depth - 2) == "runtime.convT2E" &&
        view.name(stack, depth - 1) == "runtime.mallocgc")
      boxes += stack.value;
  }
  EXPECT_EQ(boxes, 100);
}

TEST(CpuProfile, WhatWasNeverSampledIsShownAsThat) {
  runtime::CpuProfile cpu;
  cpu.rate = 100;
  cpu.records = {{{}, {{"thread", "worker 1"}}, 0, 1234}};
  const Profile profile = cpu_profile(cpu);
  EXPECT_EQ(format_folded(view_of(profile, {})), "[not sampled] 1234\n");
  EXPECT_EQ(profile.period, 10'000'000);
}

TEST(GcProfile, MarkingIsChargedToTheSitesOfWhatWasMarked) {
  runtime::Options options = small_heap();
  options.mem_profile_rate = 1;
  options.gc_percent = gc::kGcOff;
  runtime::Runtime rt(options);
  {
    runtime::Thread thread(rt);
    Tree* tree = chain(8191);
    Row* row = rows(1000);
    for (int i = 0; i < 3; ++i) rt.collect();
    ASSERT_NE(tree->left, nullptr);
    ASSERT_NE(row->next, nullptr);
  }
  const Profile profile = gc_profile(rt.heap_profile(), rt.uncharged_marking(), {});
  const auto marked = static_cast<int64_t>(rt.stats().mark_cpu_ns);
  const int64_t trees = value_at(profile, "gc_mark", "chain");
  const int64_t of_rows = value_at(profile, "gc_mark", "rows");
  // All of it is charged, each site's share rounded to a nanosecond.
  EXPECT_NEAR(static_cast<double>(view_of(profile, {"gc_mark", {}}).total()),
              static_cast<double>(marked), 1000);
  // 8191 objects with two pointers, 32 units of work each, and 1000 with one, 24 each: 91.6 % and
  // 8.4 %.
  EXPECT_NEAR(static_cast<double>(trees) / static_cast<double>(marked), 0.916, 0.005);
  EXPECT_NEAR(static_cast<double>(of_rows) / static_cast<double>(marked), 0.084, 0.005);
  EXPECT_EQ(view_of(profile, {"gc_mark", {{"attributed", "allocation"}}}).total(),
            view_of(profile, {"gc_mark", {}}).total());
}

TEST(GcProfile, WhatIsAllocatedBlackIsNotCharged) {
  runtime::Options options = small_heap();
  options.mem_profile_rate = 1;
  options.mode = runtime::Mode::kStepping;
  runtime::Runtime rt(options);
  runtime::Thread thread(rt);
  Tree* tree = build(4);
  gc::Collector& collector = rt.collector();
  collector.request_cycle();
  while (collector.phase() != gc::Phase::kDrain) {
    collector.step(1);
    thread.safepoint();
  }
  Row* row = rows(10);
  rt.collect();  // ends the cycle that runs, and makes one that marks them
  const auto charge = [&](const char* site) {
    return value_at(gc_profile(rt.heap_profile(), rt.uncharged_marking(), {}), "gc_mark", site);
  };
  EXPECT_GT(charge("build"), 0);
  EXPECT_GT(charge("rows"), 0);
  ASSERT_NE(tree->left, nullptr);
  ASSERT_NE(row->next, nullptr);
}

TEST(GcProfile, CyclesWithoutARecordedSurvivorAreNobodys) {
  runtime::Options options = small_heap();
  options.mem_profile_rate = 1;
  runtime::Runtime rt(options);
  rt.collect();
  const Profile profile = gc_profile(rt.heap_profile(), rt.uncharged_marking(), {});
  EXPECT_GT(value_at(profile, "gc_mark", "[not attributed]"), 0);
}

TEST(GcProfile, BarriersAndEvacuationAreTheCallers) {
  // As the CPU profiler would give it, but by names: the frames are cut where they are found.
  Profile profile;
  profile.locations = {{0x10, {function("runtime.Mutator.shade")}},
                       {0x20, {function("runtime.write_barrier_slow"), function("user::store")}},
                       {0x30, {function("main")}}};
  Sample sample{{0, 1, 2}, {1}, {}, {}};
  FrameCutter cutter(&profile);
  cutter.cut(&sample, 2);
  profile.samples = {sample};
  profile.sample_types = {{"write_barrier", "nanoseconds"}};
  EXPECT_EQ(format_folded(view_of(profile, {})), "main;user::store 1\n");
}

TEST(WaitProfileFile, SaysWhatWasWaitedForAndWhere) {
  runtime::Runtime rt(small_heap());
  rt.set_wait_profile_rate(1);
  {
    runtime::Thread thread(rt);
    ProfileLabels label("scenario", "waits");
    rt.collect();
  }
  const Profile profile = wait_profile(rt.wait_profile(), 1);
  EXPECT_EQ(profile.sample_types,
            (std::vector<ValueType>{{"contentions", "count"}, {"delay", "nanoseconds"}}));
  const StackView view =
      view_of(profile, {"contentions", {{"wait", "collect"}, {"scenario", "waits"}}});
  ASSERT_EQ(view.total(), 1);
  EXPECT_EQ(view.names[view.stacks.front().functions.back()], "runtime.Coordinator.collect");
}

class ProfileFilesTest : public ::testing::Test {
 protected:
  std::string path(const char* suffix) {
    paths_.push_back(::testing::TempDir() + "greyhound-profiles-" +
                     ::testing::UnitTest::GetInstance()->current_test_info()->name() + suffix);
    return paths_.back();
  }
  void TearDown() override {
    for (const std::string& made : paths_) std::filesystem::remove(made);
  }
  static std::string go(const std::string& arguments, const std::string& out) {
    EXPECT_EQ(std::system(("go tool pprof " + arguments + " >" + out + " 2>&1").c_str()), 0);
    return testing::read_file(out);
  }

  std::vector<std::string> paths_;
};

TEST_F(ProfileFilesTest, TheLabWritesEachKind) {
  const std::string cpu = path(".cpu"), gc = path(".gc"), block = path(".block");
  const Output lab = run_greyhound("lab --only X15 --quick --reps 1 --go off --cpuprofile " + cpu +
                                   " --gcprofile " + gc + " --blockprofile " + block);
  ASSERT_EQ(lab.status, 0) << lab.err;
  EXPECT_GT(view_of(read_file(cpu), {"cpu", {{"experiment", "X15"}}}).total(), 0);
  EXPECT_GT(view_of(read_file(gc), {"gc_mark", {}}).total(), 0);
  EXPECT_GT(view_of(read_file(block), {"delay", {}}).total(), 0);
}

TEST_F(ProfileFilesTest, BadFilesAreSaidBeforeAnythingRuns) {
  for (const char* flag : {"--cpuprofile", "--gcprofile", "--blockprofile"}) {
    const Output lab =
        run_greyhound(std::string("lab --only X1 ") + flag + " /nonexistent/profile.pb.gz");
    EXPECT_EQ(lab.status, 2);
    EXPECT_EQ(lab.out, "");
    ASSERT_EQ(lab.err_lines().size(), 1u) << lab.err;
    EXPECT_NE(lab.err.find("/nonexistent/profile.pb.gz: cannot be written"), std::string::npos)
        << lab.err;
  }
  const std::string one = path("");
  const Output twice = run_greyhound("lab --only X1 --cpuprofile " + one + " --heapprofile " + one);
  EXPECT_EQ(twice.status, 2);
  EXPECT_NE(twice.err.find("give each a file of its own"), std::string::npos) << twice.err;
}

TEST_F(ProfileFilesTest, RuntimeFramesAreHiddenOnDemand) {
  const std::string heap = path(".heap");
  const Output lab = run_greyhound("lab --only X1 --quick --reps 1 --go off --heapprofile " + heap);
  ASSERT_EQ(lab.status, 0) << lab.err;
  const Output shown = run_greyhound("pprof --folded --sample-type alloc_objects " + heap);
  EXPECT_NE(shown.out.find(";runtime.mallocgc "), std::string::npos);
  const Output hidden =
      run_greyhound("pprof --folded --hide-runtime --sample-type alloc_objects " + heap);
  EXPECT_EQ(hidden.status, 0) << hidden.err;
  EXPECT_EQ(hidden.out.find("runtime.mallocgc"), std::string::npos);
  EXPECT_EQ(hidden.out.find("runtime.convT64"), std::string::npos);
}

// What an embedder calls: runtime/watch/pprof/write_profile.h.
class WriteProfileTest : public ProfileFilesTest {
 protected:
  static runtime::Options every_object() {
    runtime::Options options;
    options.mem_profile_rate = 1;
    return options;
  }
  template <class F>
  static std::string error_of(F&& f) try {
    f();
    return "";
  } catch (const std::runtime_error& error) {
    return error.what();
  }
};

TEST_F(WriteProfileTest, AHeapProfileHasWhatWasAllocated) {
  runtime::Runtime runtime(every_object());
  runtime::Thread thread(runtime);
  {
    const ProfileLabels label("scenario", "written");
    for (int64_t i = 0; i < 100; ++i) runtime::to_eface(1000 + i);
  }
  runtime.collect();
  const std::string file = path(".heap"), hidden = path(".hidden");
  write_heap_profile(runtime, file);
  write_heap_profile(runtime, hidden, {.hide_runtime = true});
  const ViewOptions allocated{"alloc_objects", {{"scenario", "written"}}};
  EXPECT_EQ(view_of(read_file(file), allocated).total(), 100);
  EXPECT_NE(format_folded(view_of(read_file(file), allocated)).find("runtime.mallocgc"),
            std::string::npos);
  EXPECT_EQ(format_folded(view_of(read_file(hidden), allocated)).find("runtime.mallocgc"),
            std::string::npos);
  EXPECT_LE(view_of(read_file(file), {"inuse_objects", {{"scenario", "written"}}}).total(), 100);
}

TEST_F(WriteProfileTest, ACpuProfileHasTheTimeOfItsThreads) {
  runtime::Runtime runtime;
  runtime::Thread thread(runtime);
  runtime::CpuProfiler profiler({.rate = 1000});
  profiler.add(runtime);
  for (int i = 0; i < 20; ++i) runtime.collect();
  const runtime::CpuProfile profile = profiler.stop();
  const std::string file = path(".cpu");
  write_cpu_profile(profile, file);
  EXPECT_EQ(view_of(read_file(file), {"cpu", {}}).total(), static_cast<int64_t>(profile.cpu_ns));
}

TEST_F(WriteProfileTest, WaitsAndWhatCollectingCost) {
  runtime::Runtime runtime(every_object());
  runtime::Thread thread(runtime);
  runtime.set_wait_profile_rate(1);
  auto* kept = thread.make<int64_t>(7);
  for (int i = 0; i < 20; ++i) runtime.collect();
  EXPECT_EQ(*kept, 7);
  const std::string waits = path(".waits"), costs = path(".gc");
  write_wait_profile(runtime, waits);
  write_gc_profile(runtime, {}, costs);
  EXPECT_GT(view_of(read_file(waits), {"contentions", {{"wait", "collect"}}}).total(), 0);
  EXPECT_GT(view_of(read_file(costs), {"gc_mark", {}}).total(), 0);
}

// The pipe has a reader only when the collection is over: this ends only if the collector does not
// wait for the thread that writes.
TEST_F(WriteProfileTest, TheWritingThreadIsBlockedAndTheCollectorGoesOn) {
  runtime::Runtime runtime(every_object());
  runtime::Thread thread(runtime);
  const std::string pipe = path(".pipe");
  std::filesystem::remove(pipe);  // of a run that was stopped
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::thread reader([&] {
    runtime::Thread other(runtime);
    runtime.collect();
    std::ifstream in(pipe, std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(in), {});
    EXPECT_NO_THROW(decode(bytes));
  });
  write_heap_profile(runtime, pipe);
  thread.blocking([&] { reader.join(); });
}

TEST_F(WriteProfileTest, WhatCannotBeDoneIsSaidInASentence) {
  runtime::Runtime runtime;
  const std::string file = path(".none");
  EXPECT_NE(error_of([&] { write_heap_profile(runtime, file); }).find("mem_profile_rate"),
            std::string::npos);
  EXPECT_NE(error_of([&] { write_gc_profile(runtime, {}, file); }).find("mem_profile_rate"),
            std::string::npos);
  EXPECT_NE(error_of([&] { write_wait_profile(runtime, file); }).find("set_wait_profile_rate"),
            std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(file));
  EXPECT_THROW(write_cpu_profile({}, "/nonexistent/cpu.pb.gz"), FileError);
  EXPECT_NE(error_of([] {
              write_cpu_profile({}, "/nonexistent/cpu.pb.gz");
            }).find("/nonexistent/cpu.pb.gz: cannot be written"),
            std::string::npos);
}

int status_of(std::vector<std::string> arguments, std::vector<std::string>* rest) {
  arguments.insert(arguments.begin(), "program");
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  return with_profiles(static_cast<int>(pointers.size()), pointers.data(),
                       [rest](int& count, char** left) {
                         rest->assign(left + 1, left + count);
                         return 7;
                       });
}

TEST_F(ProfileFilesTest, AProgramsFlagsAreTakenOutOfItsArguments) {
  const std::string cpu = path(".cpu");
  std::vector<std::string> rest;
  EXPECT_EQ(status_of({"--other", "--cpuprofile=" + cpu, "word"}, &rest), 7);
  EXPECT_EQ(rest, (std::vector<std::string>{"--other", "word"}));
  EXPECT_EQ(view_of(read_file(cpu), {}).type.type, "cpu");
  EXPECT_EQ(status_of({"--cpuprofile"}, &rest), 2);
  rest.clear();
  EXPECT_EQ(status_of({"--heapprofile", "/nonexistent/heap.pb.gz"}, &rest), 2);
  EXPECT_TRUE(rest.empty());
}

TEST_F(ProfileFilesTest, GoReadsACpuProfile) {
  if (std::system("go version >/dev/null 2>&1") != 0) GTEST_SKIP() << "there is no go here";
  const std::string cpu = path(".cpu"), out = path(".txt");
  const Output lab = run_greyhound("lab --only X15 --quick --reps 1 --go off --cpuprofile " + cpu);
  ASSERT_EQ(lab.status, 0) << lab.err;
  EXPECT_NE(go("-top " + cpu, out).find("Type: cpu"), std::string::npos);
  EXPECT_NE(go("-tags " + cpu, out).find("arm: Total"), std::string::npos);
  EXPECT_NE(go("-top -tagfocus arm=any " + cpu, out).find("Showing nodes"), std::string::npos);
  EXPECT_NE(go("-top -diff_base " + cpu + " " + cpu, out).find("flat"), std::string::npos);
  testing::Process pages({"tool", "pprof", "-http=127.0.0.1:", "-no_browser", cpu}, "go");
  const int port = pages.port();
  while (!testing::Client(port).connected())  // it says where before it listens
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  for (const char* page : {"/ui/top", "/ui/flamegraph", "/ui/peek"}) {
    const testing::Reply reply = testing::request(port, "GET", page, "Connection: close\r\n");
    EXPECT_EQ(reply.status, 200) << page;
    EXPECT_NE(reply.body.find("runtime."), std::string::npos) << page;
  }
}

}  // namespace
}  // namespace greyhound::pprof
