// SPDX-License-Identifier: MIT
// Trace events as JSON, `lab --trace`, and gctrace=json, as programs that read JSON see them.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "gc/watch/gctrace.h"
#include "runtime/greyhound.h"
#include "runtime/watch/trace/trace_json.h"
#include "tests/tools/command.h"

namespace greyhound::trace {
namespace {

using nlohmann::json;
using testing::Output;
using testing::run_greyhound;

struct Node {
  Ref<Node> next;
};

runtime::Options test_options() {
  runtime::Options options;
  options.reserve = uint64_t{1} << 30;
  options.use_environment = false;
  return options;
}

std::vector<json> named(const json& trace, const std::string& name) {
  std::vector<json> found;
  for (const json& event : trace["traceEvents"]) {
    if (event["name"] == name) found.push_back(event);
  }
  return found;
}

// What every file of ours promises: docs/tracing.md.
void expect_trace_events(const json& trace) {
  ASSERT_TRUE(trace["traceEvents"].is_array());
  std::map<std::pair<int, int>, double> last, last_counter;
  std::map<std::pair<int, int>, std::vector<double>> open;
  const std::set<std::string> categories = {"gc",    "handshake", "mark", "assist",
                                            "sweep", "mutator",   "map",  "finalizer"};
  for (const json& event : trace["traceEvents"]) {
    const std::string ph = event["ph"];
    ASSERT_TRUE(ph == "X" || ph == "i" || ph == "C" || ph == "M") << event;
    ASSERT_TRUE(event["name"].is_string() && event["args"].is_object()) << event;
    ASSERT_TRUE(event["pid"].is_number_unsigned() && event["tid"].is_number_unsigned()) << event;
    if (ph == "M") continue;
    EXPECT_TRUE(categories.contains(event["cat"])) << event;
    const std::pair<int, int> thread{event["pid"], event["tid"]};
    const double start = event["ts"];
    EXPECT_GE(start, 0) << event;
    EXPECT_GE(start, last[thread]) << event;
    last[thread] = start;
    if (ph == "C") {
      EXPECT_GE(event["args"]["live_bytes"].get<int64_t>(), 0);
    }
    if (ph != "X") continue;
    // In ps, so that sums of decimal fractions compare as they look.
    const double end = std::round(start * 1e6) + std::round(event["dur"].get<double>() * 1e6);
    std::vector<double>& ends = open[thread];
    while (!ends.empty() && ends.back() <= std::round(start * 1e6)) ends.pop_back();
    if (!ends.empty()) {
      EXPECT_LE(end, ends.back()) << event;
    }
    ends.push_back(end);
  }
}

class TraceJson : public ::testing::Test {
 protected:
  template <class Body>
  json traced(Body body) {
    runtime::Runtime rt(test_options());
    runtime::Thread thread(rt, "tester");
    EXPECT_TRUE(rt.trace_start());
    EXPECT_TRUE(rt.tracing());
    body(rt, thread);
    json trace = json::parse(to_json(rt.trace_stop()));
    EXPECT_FALSE(rt.tracing());
    expect_trace_events(trace);
    return trace;
  }
};

TEST_F(TraceJson, ThreadsHaveNames) {
  const json trace = traced([](runtime::Runtime& rt, runtime::Thread&) { rt.collect(); });
  std::set<std::string> names;
  for (const json& event : named(trace, "thread_name")) names.insert(event["args"]["name"]);
  EXPECT_TRUE(names.contains("coordinator"));
  EXPECT_TRUE(std::ranges::any_of(names, [](const auto& name) {
    return name.starts_with("mutator ") && name.ends_with(": tester");
  }));
  EXPECT_EQ(named(trace, "process_name").at(0)["args"]["name"], "greyhound");
  EXPECT_EQ(trace["otherData"]["overwritten_events"], 0);
  EXPECT_EQ(trace["otherData"]["untraced_threads"], 0);
}

TEST_F(TraceJson, ACycleSaysWhatItWas) {
  const json trace = traced([](runtime::Runtime& rt, runtime::Thread&) { rt.collect(); });
  const json cycle = named(trace, "GC cycle").at(0);
  EXPECT_EQ(cycle["cat"], "gc");
  EXPECT_EQ(cycle["args"]["cycle"], 1);
  EXPECT_EQ(cycle["args"]["forced"], true);
  EXPECT_GE(cycle["args"]["rounds"], 1);
  EXPECT_EQ(named(trace, "round").size(), cycle["args"]["rounds"]);
}

TEST_F(TraceJson, AnAnswerNamesItsHandshakeAndItsMutator) {
  const json trace = traced([](runtime::Runtime& rt, runtime::Thread&) { rt.collect(); });
  const json request = named(trace, "barrier on (H1)").at(0);
  EXPECT_EQ(request["cat"], "handshake");
  EXPECT_EQ(request["args"]["mutators"], 1);
  const json answer = named(trace, "answer H1").at(0);
  EXPECT_EQ(answer["args"]["handshake"], "H1");
  EXPECT_EQ(answer["args"]["requested_us"], request["args"]["requested_us"]);
  EXPECT_EQ(answer["args"]["mutator"], answer["tid"]);
  EXPECT_EQ(answer["args"]["answered_by"], "the collector, while it was blocked");
  EXPECT_GE(answer["args"]["time_to_answer_us"], 0);
}

TEST_F(TraceJson, BlockedRegionsSayWhere) {
  const json trace = traced([](runtime::Runtime&, runtime::Thread& thread) {
    thread.blocking([] { std::this_thread::yield(); });
  });
  EXPECT_EQ(named(trace, "blocked: blocking").size(), 1u);
}

TEST_F(TraceJson, AMapsGrowthIsThereFromBeginningToEnd) {
  const json trace = traced([](runtime::Runtime&, runtime::Thread&) {
    auto map = maps::Map<int64_t, int64_t>::make();
    for (int64_t i = 0; i < 1000; ++i) map.insert_or_assign(i, i);
  });
  const auto grown = named(trace, "hashGrow");
  ASSERT_FALSE(grown.empty());
  const json last = grown.back()["args"];
  EXPECT_EQ(last["buckets_after"], 2 * last["buckets_before"].get<int64_t>());
  // The key's and elem's names are the compiler's.
  EXPECT_TRUE(last["map"].get<std::string>().starts_with("map[long")) << last;
  const auto evacuated = named(trace, "map evacuated");
  ASSERT_FALSE(evacuated.empty());
  EXPECT_EQ(evacuated.back()["ph"], "i");
  EXPECT_EQ(evacuated.back()["args"]["buckets"], last["buckets_before"]);
}

TEST_F(TraceJson, FinalizersAndCleanupsAreOnTheirThread) {
  const json trace = traced([](runtime::Runtime& rt, runtime::Thread&) {
    rt.set_finalizer<Node>(runtime::Thread::make<Node>(), [](Node*) {});
    rt.add_cleanup(runtime::Thread::make<Node>(), [] {});
    for (int i = 0; i < 3; ++i) {
      // Whatever the stack scan took for a pointer is overwritten by and by.
      for (int k = 0; k < 64; ++k) runtime::Thread::make<Node>();
      rt.collect();
    }
    rt.run_finalizers();
  });
  for (const char* name : {"finalizer", "cleanup"}) {
    for (const json& call : named(trace, name)) {
      for (const json& thread : named(trace, "thread_name")) {
        if (thread["tid"] != call["tid"]) continue;
        EXPECT_TRUE(thread["args"]["name"].get<std::string>().ends_with(": finalizers"));
      }
    }
  }
  EXPECT_FALSE(named(trace, "weak cells and finalizers").empty());
}

TEST_F(TraceJson, ABusyHeapIsTracedToo) {
  const json trace = traced([](runtime::Runtime& rt, runtime::Thread& thread) {
    rt.set_gc_percent(20);
    Node* list = nullptr;
    for (int i = 0; i < 3'000'000; ++i) {
      Node* node = thread.make<Node>(list);
      list = i % 300'000 == 0 ? nullptr : node;
    }
  });
  const auto heap = named(trace, "heap");
  ASSERT_FALSE(heap.empty());
  for (size_t i = 1; i < heap.size(); ++i) EXPECT_LE(heap[i - 1]["ts"], heap[i]["ts"]);
  EXPECT_TRUE(heap[0]["args"].contains("goal_bytes"));
  EXPECT_FALSE(named(trace, "GC cycle").empty());
}

TEST_F(TraceJson, ANameThatIsNoTextIsStillJson) {
  runtime::Runtime rt(test_options());
  ASSERT_TRUE(rt.trace_start());
  { runtime::Thread thread(rt, "bad \xff\"\n name"); }
  expect_trace_events(json::parse(to_json(rt.trace_stop())));
}

TEST_F(TraceJson, NothingIsAnEmptyTrace) {
  const json trace = json::parse(to_json(gc::Trace{}));
  expect_trace_events(trace);
  EXPECT_EQ(json::parse(to_json(std::span<const NamedTrace>()))["traceEvents"], json::array());
}

TEST_F(TraceJson, RuntimesShareAClock) {
  std::vector<NamedTrace> traces;
  for (const char* name : {"first", "second"}) {
    runtime::Runtime rt(test_options());
    ASSERT_TRUE(rt.trace_start());
    rt.collect();
    traces.push_back({name, rt.trace_stop()});
  }
  const json trace = json::parse(to_json(traces));
  expect_trace_events(trace);
  const auto cycles = named(trace, "GC cycle");
  ASSERT_EQ(cycles.size(), 2u);
  EXPECT_EQ(cycles[0]["pid"], 1);
  EXPECT_EQ(cycles[1]["pid"], 2);
  EXPECT_GE(cycles[1]["ts"].get<double>(),
            cycles[0]["ts"].get<double>() + cycles[0]["dur"].get<double>());
  const json requested = named(trace, "barrier on (H1)").at(1);
  EXPECT_GE(requested["args"]["requested_us"], requested["ts"]);
}

constexpr const char* kShort = "lab --quick --reps 1 --go off --only ";

class TraceCommand : public ::testing::Test {
 protected:
  std::string path_ = testing::temporary_path(".trace.json");
  ~TraceCommand() override { std::remove(path_.c_str()); }
};

TEST_F(TraceCommand, LabTracesTheRuntimesOfItsExperiments) {
  const Output output = run_greyhound(kShort + std::string("X15 --trace ") + path_);
  ASSERT_EQ(output.status, 0) << output.err;
  const json trace = json::parse(testing::read_file(path_));
  expect_trace_events(trace);
  std::set<std::string> names;
  for (const json& process : named(trace, "process_name")) names.insert(process["args"]["name"]);
  EXPECT_TRUE(names.contains("X15, write any 1000+")) << trace["otherData"];
  EXPECT_FALSE(named(trace, "GC cycle").empty());
}

TEST_F(TraceCommand, AFileThatCannotBeWrittenIsSaidBeforeAnythingRuns) {
  const Output output = run_greyhound(kShort + std::string("X1 --trace /nonexistent/t.json"));
  EXPECT_EQ(output.status, 2);
  EXPECT_EQ(output.out, "");
  ASSERT_EQ(output.err_lines().size(), 1u) << output.err;
  EXPECT_NE(output.err.find("/nonexistent/t.json: cannot be written"), std::string::npos);
}

TEST_F(TraceCommand, JsonGctraceIsWhatItsSchemaSays) {
  const Output output = run_greyhound(kShort + std::string("X15"), "GREYHOUND_DEBUG=gctrace=json");
  ASSERT_EQ(output.status, 0) << output.err;
  json lines = json::array();
  for (const std::string& line : output.err_lines()) {
    if (line.starts_with("{")) lines.push_back(json::parse(line));
  }
  ASSERT_FALSE(lines.empty());
  for (const json& line : lines) {
    EXPECT_GE(line["gc"], 1);
    EXPECT_GE(line["rounds"], 1);
    EXPECT_LE(line["heap_bytes"]["in_spans"], line["heap_bytes"]["resident"]);
    EXPECT_LE(line["mark"]["noscan_objects"], line["mark"]["objects"]);
  }
  if (std::system("/usr/bin/python3 -c 'import jsonschema' 2>/dev/null") != 0)
    GTEST_SKIP() << "python3-jsonschema is not installed";
  std::ofstream(path_) << lines;
  const std::string validate =
      "/usr/bin/python3 -c 'import json, jsonschema, sys; s = json.load(open(sys.argv[1])); "
      "[jsonschema.validate(line, s) for line in json.load(open(sys.argv[2]))]' "
      "'" GREYHOUND_SOURCE_DIR "/docs/gctrace.schema.json' '" +
      path_ + "'";
  EXPECT_EQ(std::system(validate.c_str()), 0);
}

TEST_F(TraceCommand, AGctraceThatIsNoneNamesWhatThereIs) {
  const Output output = run_greyhound(kShort + std::string("X3"), "GREYHOUND_DEBUG=gctrace=yaml");
  EXPECT_EQ(output.status, 2);
  EXPECT_NE(output.err.find("'gctrace=yaml'"), std::string::npos) << output.err;
  EXPECT_NE(output.err.find("'json'"), std::string::npos) << output.err;
}

TEST(GcTraceJson, HasEveryFigureOfTheCycle) {
  gc::CycleStats cycle;
  cycle.cycle = 7;
  cycle.forced = true;
  cycle.start_ns = 1'204'000'000;
  cycle.heap_goal = UINT64_MAX;
  cycle.longest_scan_hold_ns = UINT64_MAX - 1;
  cycle.map_growth_buckets = 64;
  char text[2048];
  const size_t length = gc::format_gctrace_json({cycle, 0.1234, 2}, text, sizeof text);
  ASSERT_LT(length, sizeof text / 2);
  const json line = json::parse(std::string(text, length));
  EXPECT_EQ(line["gc"], 7);
  EXPECT_EQ(line["forced"], true);
  EXPECT_EQ(line["start_ns"], 1'204'000'000);
  EXPECT_EQ(line["cpu_percent"], 12.34);
  EXPECT_TRUE(line["heap_bytes"]["goal"].is_null());
  EXPECT_EQ(line["longest_hold_ns"]["scan"], UINT64_MAX - 1);
  EXPECT_EQ(line["map_growths"]["buckets"], 64);
}

}  // namespace
}  // namespace greyhound::trace
