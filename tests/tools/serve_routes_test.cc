// SPDX-License-Identifier: MIT
// Every route that a debug server has, and its parameters.
#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "gc/alloc/malloc.h"
#include "gc/cycle/collector.h"
#include "runtime/watch/debughttp/profile_delta.h"
#include "runtime/watch/pprof/profile.h"
#include "tests/tools/command.h"
#include "tests/tools/serve_http.h"
#include "tools/pprof/profile_decode.h"
#include "tools/pprof/view.h"

namespace greyhound::serve {
namespace {

using testing::Reply;

class Routes : public testing::ServeTest {
 protected:
  Routes() { start(); }

  // What `target` is a profile of.
  pprof::Profile profile(const std::string& target) {
    const Reply reply = get(target);
    EXPECT_EQ(reply.status, 200) << target << reply.body;
    EXPECT_EQ(reply.header("content-type"), "application/octet-stream");
    return pprof::decode(reply.body);
  }
  static int64_t total(const pprof::Profile& profile, const std::string& type) {
    return pprof::view_of(profile, {type, {}}).total();
  }
};

TEST_F(Routes, TheStartPageLeadsToAllOthers) {
  const Reply reply = get("/");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("content-type"), "text/html; charset=utf-8");
  for (const char* path : {"/debug/pprof/", "/metrics", "/debug/gc", "/debug/gc/events"}) {
    EXPECT_NE(reply.body.find("href=\"" + std::string(path) + "\""), std::string::npos) << path;
  }
  EXPECT_EQ(get("/nowhere").status, 404);
  EXPECT_EQ(get("/metrics/more").status, 404);
}

TEST_F(Routes, GcIsJsonOfWhatTheRuntimeCounted) {
  make_list(1000);
  runtime_.collect();
  const Reply reply = get("/debug/gc");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("content-type"), "application/json");
  const auto json = nlohmann::json::parse(reply.body);
  const gc::GcStats stats = runtime_.stats();
  EXPECT_EQ(json["runtimes"], 1);
  EXPECT_EQ(json["mutators"], 1);
  EXPECT_EQ(json["cycles"], stats.cycles);
  EXPECT_EQ(json["heap"]["allocated_objects"], stats.mallocs);
  EXPECT_EQ(json["heap"]["live_bytes"], stats.heap_live);
  EXPECT_EQ(json["last_cycle"]["cycle"], stats.cycles);
  EXPECT_EQ(json["last_cycle"]["forced"], true);
  EXPECT_EQ(json["memory_limit_bytes"], nullptr);
}

TEST_F(Routes, EventsGiveTheStateAndThenEachChange) {
  for (const std::string target : {"/debug/gc/events", "/debug/gc"}) {
    testing::Client client(port_);
    client.send("GET " + target +
                " HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n");
    thread_.blocking([&] {
      const std::string head = client.receive_until("data: {");
      EXPECT_NE(head.find("Content-Type: text/event-stream"), std::string::npos) << head;
      EXPECT_NE(head.find("data: {"), std::string::npos) << head;
    });
    runtime_.collect();
    const std::string cycles = "\"cycles\":" + std::to_string(runtime_.stats().cycles);
    thread_.blocking(
        [&] { EXPECT_NE(client.receive_until(cycles).find(cycles), std::string::npos) << target; });
  }
}

TEST_F(Routes, TheIndexOfProfilesNamesThem) {
  const Reply reply = get("/debug/pprof/");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("x-content-type-options"), "nosniff");
  for (const char* name : {"allocs", "block", "cmdline", "goroutine", "heap", "mutex", "profile",
                           "threadcreate", "trace"}) {
    EXPECT_NE(reply.body.find("href=\"" + std::string(name)), std::string::npos) << name;
  }
  const Reply moved = get("/debug/pprof");
  EXPECT_EQ(moved.status, 301);
  EXPECT_EQ(moved.header("location"), "/debug/pprof/");
}

TEST_F(Routes, AnUnknownProfileIs404AsGos) {
  const Reply reply = get("/debug/pprof/heep");
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(reply.body, "Unknown profile\n");
  EXPECT_EQ(reply.header("x-go-pprof"), "1");
  EXPECT_EQ(reply.header("x-content-type-options"), "nosniff");
}

TEST_F(Routes, HeapCountsEveryObject) {
  const auto* list = make_list(1000);
  const pprof::Profile heap = profile("/debug/pprof/heap?gc=1");
  EXPECT_EQ(heap.default_sample_type, "inuse_space");
  EXPECT_EQ(total(heap, "inuse_objects"), 1000);
  EXPECT_EQ(total(profile("/debug/pprof/allocs"), "alloc_objects"), 1000);
  EXPECT_EQ(profile("/debug/pprof/allocs").default_sample_type, "alloc_space");
  EXPECT_EQ(list->value, 999);
}

TEST_F(Routes, HeapWithGcCollectsAndAllocsDoesNot) {
  const uint64_t before = runtime_.stats().cycles;
  get("/debug/pprof/heap?gc=1");
  EXPECT_EQ(runtime_.stats().cycles, before + 1);
  get("/debug/pprof/allocs?gc=1");
  get("/debug/pprof/heap?gc=0");
  get("/debug/pprof/heap");
  EXPECT_EQ(runtime_.stats().cycles, before + 1);
}

TEST_F(Routes, AttachmentsAreNamedAsGos) {
  EXPECT_EQ(get("/debug/pprof/heap").header("content-disposition"),
            "attachment; filename=\"heap\"");
  EXPECT_EQ(get("/debug/pprof/goroutine?seconds=0.1").header("content-disposition"),
            "attachment; filename=\"goroutine-delta\"");
  EXPECT_EQ(get("/debug/pprof/heap?debug=1").header("content-disposition"), "");
}

TEST_F(Routes, SecondsIsADifference) {
  make_list(1000);
  std::atomic<bool> asked{false};
  pprof::Profile delta;
  std::thread reader([&] {
    asked = true;
    delta = pprof::decode(testing::request(port_, "GET", "/debug/pprof/heap?seconds=0.2").body);
  });
  while (!asked) thread_.safepoint();
  reader.join();
  // Nothing was allocated meanwhile.
  EXPECT_EQ(total(delta, "alloc_objects"), 0);
  EXPECT_GT(delta.duration_ns, 0);
}

TEST_F(Routes, HideRuntimeIsGosView) {
  make_list(10);
  const auto innermost = [&](const std::string& target) {
    const pprof::StackView view = pprof::view_of(profile(target), {"alloc_objects", {}});
    return view.names[view.stacks.at(0).functions.back()];
  };
  EXPECT_TRUE(innermost("/debug/pprof/allocs").starts_with("runtime."));
  EXPECT_FALSE(innermost("/debug/pprof/allocs?hide_runtime=1").starts_with("runtime."));
}

TEST_F(Routes, HeapAsText) {
  make_list(100);
  const Reply reply = get("/debug/pprof/heap?debug=1&gc=1");
  EXPECT_EQ(reply.header("content-type"), "text/plain; charset=utf-8");
  EXPECT_TRUE(reply.body.starts_with("heap profile: ")) << reply.body.substr(0, 200);
  EXPECT_NE(reply.body.find("@ heap/2\n"), std::string::npos);
  EXPECT_NE(reply.body.find("runtime.mallocgc"), std::string::npos);
  EXPECT_NE(reply.body.find("# NumForcedGC = 1\n"), std::string::npos);
}

TEST_F(Routes, GoroutineCountsMutators) {
  const pprof::Profile goroutine = profile("/debug/pprof/goroutine");
  EXPECT_EQ(total(goroutine, "goroutine"), 1);
  EXPECT_EQ(pprof::view_of(goroutine, {"", {{"mutator", "tester"}}}).total(), 1);
  EXPECT_EQ(pprof::view_of(goroutine, {"", {{"state", "blocked"}}}).total(), 1);
  EXPECT_TRUE(get("/debug/pprof/goroutine?debug=1").body.starts_with("goroutine profile: total 1"));
  const std::string all = get("/debug/pprof/goroutine?debug=2").body;
  EXPECT_NE(all.find("mutator 1 [blocked]:\n\tname: tester\n"), std::string::npos) << all;
}

TEST_F(Routes, ThreadcreateCountsThreads) {
  EXPECT_GE(total(profile("/debug/pprof/threadcreate"), "threadcreate"), 2);
  EXPECT_TRUE(
      get("/debug/pprof/threadcreate?debug=1").body.starts_with("threadcreate profile: total "));
}

TEST_F(Routes, CmdlineIsTheCommandLine) {
  const Reply reply = get("/debug/pprof/cmdline");
  EXPECT_EQ(reply.header("content-type"), "text/plain; charset=utf-8");
  EXPECT_NE(reply.body.find("tools_tests"), std::string::npos);
  EXPECT_FALSE(reply.body.ends_with('\0'));
}

TEST_F(Routes, SymbolNamesAddresses) {
  char query[32];
  std::snprintf(query, sizeof query, "%p", reinterpret_cast<void*>(&gc::newarray));
  const Reply reply = get("/debug/pprof/symbol?" + std::string(query) + "+0x1+nonsense");
  EXPECT_TRUE(reply.body.starts_with("num_symbols: 1\n")) << reply.body;
  EXPECT_NE(reply.body.find(std::string(query) + " runtime.newarray\n"), std::string::npos)
      << reply.body;
}

struct BadQuery {
  const char* target;
  const char* says;
};
void PrintTo(const BadQuery& query, std::ostream* out) { *out << query.target; }

class BadParameters : public Routes, public ::testing::WithParamInterface<BadQuery> {};

TEST_P(BadParameters, AreA400ThatNamesThem) {
  const uint64_t cycles = runtime_.stats().cycles;
  const Reply reply = get(GetParam().target);
  EXPECT_EQ(reply.status, 400) << GetParam().target;
  EXPECT_NE(reply.body.find(GetParam().says), std::string::npos) << reply.body;
  EXPECT_EQ(reply.header("content-disposition"), "");
  EXPECT_EQ(runtime_.stats().cycles, cycles);
}

INSTANTIATE_TEST_SUITE_P(
    All, BadParameters,
    ::testing::Values(BadQuery{"/debug/pprof/heap?seconds=x&gc=1", "invalid value for \"seconds\""},
                      BadQuery{"/debug/pprof/heap?seconds=-1", "'-1'"},
                      BadQuery{"/debug/pprof/heap?seconds=1e9", "'1e9'"},
                      BadQuery{"/debug/pprof/heap?seconds=nan", "'nan'"},
                      BadQuery{"/debug/pprof/heap?seconds=1s", "'1s'"},
                      BadQuery{"/debug/pprof/heap?seconds=99999999", "at most 86400"},
                      BadQuery{"/debug/pprof/heap?debug=x", "invalid value for \"debug\""},
                      BadQuery{"/debug/pprof/heap?gc=yes", "invalid value for \"gc\""},
                      BadQuery{"/debug/pprof/heap?hide_runtime=-1", "hide_runtime"},
                      BadQuery{"/debug/pprof/heap?seconds=1&debug=1",
                               "seconds and debug params are incompatible"},
                      BadQuery{"/debug/pprof/allocs?seconds=1&debug=1", "incompatible"},
                      BadQuery{"/debug/pprof/goroutine?seconds=1&debug=2", "incompatible"},
                      BadQuery{"/debug/pprof/block?seconds=1&debug=1", "incompatible"},
                      BadQuery{"/debug/pprof/mutex?debug=-1", "debug"},
                      BadQuery{"/debug/pprof/threadcreate?seconds=x", "seconds"},
                      BadQuery{"/debug/pprof/profile?seconds=x", "seconds"},
                      BadQuery{"/debug/pprof/profile?seconds=-3", "seconds"},
                      BadQuery{"/debug/pprof/trace?seconds=x", "seconds"},
                      BadQuery{"/metrics?compat=rust", "compat"}));

TEST(ProfileDelta, IsAfterLessBeforeAndDropsWhatIsTheSame) {
  pprof::Profile before;
  before.sample_types = {{"objects", "count"}};
  before.time_ns = 100;
  before.locations = {{0x10, {{"a", "a", "", 0}}}, {0x20, {{"b", "b", "", 0}}}};
  before.samples = {{{0}, {5}, {}, {}}, {{1}, {7}, {}, {}}, {{1}, {2}, {{"k", "v"}}, {}}};
  pprof::Profile after = before;
  after.time_ns = 350;
  // The same places in another order.
  after.locations = {{0x20, {{"b", "b", "", 0}}}, {0x10, {{"a", "a", "", 0}}}};
  after.samples = {{{1}, {5}, {}, {}}, {{0}, {4}, {}, {}}, {{0}, {9}, {{"k", "v"}}, {}}};
  const pprof::Profile delta = profile_delta(before, after);
  EXPECT_EQ(delta.duration_ns, 250);
  ASSERT_EQ(delta.samples.size(), 2u);
  EXPECT_EQ(pprof::view_of(delta, {}).total(), -3 + 7);
  EXPECT_EQ(pprof::view_of(delta, {"", {{"k", "v"}}}).total(), 7);
}

}  // namespace
}  // namespace greyhound::serve
