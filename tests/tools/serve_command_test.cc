// SPDX-License-Identifier: MIT
// `greyhound serve` and `greyhound lab --serve` as processes: what they say, how they end, and that
// go tool pprof reads profiles from them by address.
#include <csignal>
#include <optional>

#include "runtime/watch/pprof/profile.h"
#include "tests/tools/command.h"
#include "tests/tools/process.h"
#include "tests/tools/serve_http.h"
#include "tools/pprof/profile_decode.h"
#include "tools/pprof/view.h"

namespace greyhound::serve {
namespace {

using testing::Output;
using testing::Process;
using testing::request;
using testing::run_greyhound;

TEST(ServeCommand, ShowsAWorkloadUntilItIsInterrupted) {
  for (const int number : {SIGINT, SIGTERM}) {
    Process process({"serve", "127.0.0.1:0"});
    const int port = process.port();
    // Both of its threads write, and the pacer has begun a cycle.
    std::string text;
    do {
      text = request(port, "GET", "/metrics").body;
      ASSERT_NE(text, "");
    } while (text.find("\ngreyhound_mutators 2\n") == text.npos ||
             text.find("\ngreyhound_gc_cycles_total{reason=\"pacer\"} 0\n") != text.npos);
    // A client that hangs does not hold it.
    testing::Client client(port);
    client.send("GET /debug/gc/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.receive_until("data: ");
    process.signal(number);
    EXPECT_EQ(process.status(), 0);
  }
}

TEST(ServeCommand, ACpuProfileOfTheWorkload) {
  Process process({"serve", "127.0.0.1:0"});
  const int port = process.port();
  const testing::Reply reply = request(port, "GET", "/debug/pprof/profile?seconds=1");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.header("content-disposition"), "attachment; filename=\"profile\"");
  const pprof::Profile profile = pprof::decode(reply.body);
  EXPECT_GT(pprof::view_of(profile, {"cpu", {}}).total(), 0);
  const testing::Reply costs = request(port, "GET", "/debug/pprof/gc?seconds=0.5");
  ASSERT_EQ(costs.status, 200) << costs.body;
  EXPECT_EQ(pprof::decode(costs.body).sample_types.at(0).type, "gc_mark");
}

TEST(ServeCommand, ASecondCpuProfileOrTraceMeanwhileIsA500) {
  Process process({"serve", "127.0.0.1:0"});
  const int port = process.port();
  for (const std::string name : {"profile", "trace"}) {
    // Either may come first, and be the one that is refused: so both begin anew.
    std::optional<testing::Client> first;
    testing::Reply second;
    do {
      first.emplace(port);
      first->send("GET /debug/pprof/" + name + "?seconds=600 HTTP/1.1\r\nHost: localhost\r\n\r\n");
      second = request(port, "GET", "/debug/pprof/" + name + "?seconds=0.001");
    } while (second.status == 200);
    EXPECT_EQ(second.status, 500);
    EXPECT_TRUE(second.body.starts_with("Could not enable ")) << second.body;
    EXPECT_EQ(second.header("x-go-pprof"), "1");
    EXPECT_EQ(second.header("content-disposition"), "");
  }
}

TEST(ServeCommand, ATraceIsTraceEventJson) {
  Process process({"serve", "127.0.0.1:0"});
  const testing::Reply reply = request(process.port(), "GET", "/debug/pprof/trace?seconds=0.5");
  ASSERT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("content-type"), "application/json");
  EXPECT_NE(reply.body.find("\"traceEvents\""), std::string::npos);
}

TEST(ServeCommand, GoToolPprofFetchesFromIt) {
  if (std::system("go version >/dev/null 2>&1") != 0) GTEST_SKIP() << "there is no go here";
  Process process({"serve", "127.0.0.1:0"});
  const std::string root = "http://127.0.0.1:" + std::to_string(process.port()) + "/debug/pprof/";
  const std::string out = testing::temporary_path(".pprof");
  for (const std::string name : {"heap", "allocs?seconds=1", "profile?seconds=1", "goroutine",
                                 "mutex", "block", "threadcreate", "gc?seconds=1"}) {
    const std::string command = "PPROF_TMPDIR='" + ::testing::TempDir() +
                                "' go tool pprof -timeout 600 -top '" + root + name + "' >'" + out +
                                "' 2>&1";
    EXPECT_EQ(std::system(command.c_str()), 0) << name << testing::read_file(out);
    EXPECT_NE(testing::read_file(out).find("Type: "), std::string::npos) << testing::read_file(out);
  }
  std::remove(out.c_str());
}

TEST(LabServe, ServesTheExperimentsSumsUntilItIsInterrupted) {
  Process process(
      {"lab", "--only", "X1", "--quick", "--reps", "1", "--go", "off", "--serve", "127.0.0.1:0"});
  const int port = process.port();
  EXPECT_EQ(request(port, "GET", "/debug/gc").status, 200);
  ASSERT_TRUE(process.await("the experiments are over")) << process.said();
  const std::string text = request(port, "GET", "/metrics").body;
  EXPECT_NE(text.find("\ngreyhound_runtimes 0\n"), std::string::npos);
  EXPECT_EQ(text.find("\ngreyhound_heap_allocated_objects_total 0\n"), std::string::npos);
  process.signal(SIGINT);
  EXPECT_EQ(process.status(), 0);
}

TEST(LabServe, AnInterruptedExperimentIsNoVerdict) {
  Process process({"lab", "--only", "X9", "--go", "off", "--serve", "127.0.0.1:0"});
  process.port();
  process.signal(SIGTERM);
  EXPECT_EQ(process.status(), 128 + SIGTERM);
  process.await("nothing more");
  EXPECT_NE(process.said().find("interrupted before the experiments were over"), std::string::npos);
}

struct BadAddress {
  const char* name;
  const char* arguments;
  const char* says;
};
void PrintTo(const BadAddress& address, std::ostream* out) { *out << address.arguments; }

class ServeUsage : public ::testing::TestWithParam<BadAddress> {};

TEST_P(ServeUsage, IsOneLineAndExitStatus2) {
  const Output output = run_greyhound(GetParam().arguments);
  EXPECT_EQ(output.status, 2);
  EXPECT_EQ(output.out, "");
  ASSERT_EQ(output.err_lines().size(), 1u) << output.err;
  EXPECT_NE(output.err.find(GetParam().says), std::string::npos) << output.err;
}

INSTANTIATE_TEST_SUITE_P(
    All, ServeUsage,
    ::testing::Values(
        BadAddress{"NotLoopback", "serve 0.0.0.0:6060", "'0.0.0.0:6060' is not a loopback address"},
        BadAddress{"NoAddress", "serve nonsense:1", "'nonsense:1' is no address"},
        BadAddress{"TwoAddresses", "serve 127.0.0.1:0 x", "'x'"},
        BadAddress{"UnknownOption", "serve --prot 1", "'--prot'"},
        BadAddress{"Compat", "serve --metrics-compat rust", "'rust'"},
        BadAddress{"LabNotLoopback", "lab --only X1 --serve=10.1.2.3:80", "'10.1.2.3:80'"},
        BadAddress{"LabNoPort", "lab --only X1 --serve 127.0.0.1:99999", "'127.0.0.1:99999'"},
        BadAddress{"LabCompat", "lab --only X1 --serve 127.0.0.1:0 --metrics-compat rust",
                   "'rust'"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(ServeAddress, AnOccupiedPortIsOneLineAndExitStatus2) {
  Process process({"serve", "127.0.0.1:0"});
  const std::string address = "127.0.0.1:" + std::to_string(process.port());
  for (const std::string command : {"serve ", "lab --only X1 --serve "}) {
    const Output output = run_greyhound(command + address);
    EXPECT_EQ(output.status, 2);
    ASSERT_EQ(output.err_lines().size(), 1u) << output.err;
    EXPECT_NE(output.err.find(address + ": another program listens there"), std::string::npos)
        << output.err;
  }
}

}  // namespace
}  // namespace greyhound::serve
