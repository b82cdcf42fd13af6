// SPDX-License-Identifier: MIT
// Clients that are slow, silent, many, or gone. What is claimed is that things happen and how
// often, never how fast: where a time limit is part of what is tested it is short, and the test
// waits for what it leads to.
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "gc/cycle/collector.h"
#include "tests/tools/serve_http.h"

namespace greyhound::serve {
namespace {

using testing::Client;
using testing::Reply;

constexpr size_t kSlow = 64;
constexpr size_t kMost = 80;

using Clients = std::vector<std::unique_ptr<Client>>;

class Limits : public testing::ServeTest {
 protected:
  static ServerOptions patient() {
    ServerOptions options;
    options.request_timeout = std::chrono::minutes(10);
    options.write_timeout = std::chrono::minutes(10);
    return options;
  }

  // Connections that send `bytes` each and then nothing.
  Clients connect(size_t count, const std::string& bytes) {
    Clients clients;
    for (size_t i = 0; i < count; ++i) {
      clients.push_back(std::make_unique<Client>(port_));
      EXPECT_TRUE(clients.back()->connected());
      EXPECT_TRUE(clients.back()->send(bytes));
    }
    return clients;
  }

  // Once all `count` are held, whoever else comes is refused; until then one gets through.
  void await_full() {
    thread_.blocking([&] {
      while (testing::request(port_, "GET", "/metrics").status != 503) std::this_thread::yield();
    });
  }
};

constexpr const char* kHalfARequest = "GET /metrics HTTP/1.1\r\nHost: loc";
constexpr const char* kListen = "GET /debug/gc/events HTTP/1.1\r\nHost: localhost\r\n\r\n";

TEST_F(Limits, AMutatorGoesOnBesideSixtyFourSlowClients) {
  DebugServer& server = make_server(patient());
  // More than a socket's buffers hold, so that who does not read keeps its thread in a write.
  server.get("/big",
             [](const Request&) -> Response { return {.body = std::string(8 << 20, 'x')}; });
  start();
  Clients clients = connect(kSlow / 4, kHalfARequest);
  for (Client* client : {clients.front().get()}) client->take_little();
  for (const char* bytes :
       {kListen, "GET /debug/pprof/heap?seconds=600 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n"}) {
    for (auto& client : connect(kSlow / 4, bytes)) clients.push_back(std::move(client));
  }
  ASSERT_EQ(clients.size(), kSlow);
  const gc::GcStats before = runtime_.stats();
  constexpr int kCycles = 20;
  constexpr int64_t kObjects = 20'000;
  for (int i = 0; i < kCycles; ++i) {
    const Node* list = make_list(kObjects);
    runtime_.collect();
    EXPECT_EQ(list->value, kObjects - 1);
  }
  const gc::GcStats after = runtime_.stats();
  EXPECT_EQ(after.mallocs - before.mallocs, uint64_t{kCycles} * kObjects);
  EXPECT_GE(after.cycles - before.cycles, uint64_t{kCycles});
  // No client holds a lock that a mutator or the collector waits for.
  EXPECT_EQ(after.stalled_handshakes, before.stalled_handshakes);
  EXPECT_EQ(after.escalations, before.escalations);
  // And the server answers others meanwhile.
  EXPECT_EQ(get("/metrics").status, 200);
  EXPECT_EQ(get("/debug/gc").status, 200);
}

TEST_F(Limits, TheEightyFirstConnectionIsRefusedWith503) {
  make_server(patient());
  start();
  Clients clients = connect(kMost, kHalfARequest);
  await_full();
  for (int i = 0; i < 5; ++i) {
    const Reply reply = get("/debug/gc");
    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(reply.header("retry-after"), "1");
    EXPECT_NE(reply.body.find("as many connections as it takes"), std::string::npos);
  }
  // One goes, and another has its place.
  clients.pop_back();
  thread_.blocking([&] {
    while (testing::request(port_, "GET", "/metrics").status != 200) std::this_thread::yield();
  });
  // Those that waited finish theirs.
  EXPECT_TRUE(clients.front()->send("alhost\r\n\r\n"));
  EXPECT_EQ(testing::parse_reply(clients.front()->receive_all()).status, 200);
}

TEST_F(Limits, RefusedClientsThatNeverReadCostNothing) {
  ServerOptions options = patient();
  options.max_connections = 2;
  make_server(options);
  start();
  const Clients held = connect(2, kHalfARequest);
  await_full();
  Clients refused = connect(200, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(get("/metrics").status, 503);
}

TEST_F(Limits, ARequestThatDoesNotComeWholeIsGivenUp) {
  ServerOptions options = patient();
  options.request_timeout = std::chrono::milliseconds(100);
  make_server(options);
  start();
  // Silent from the start, in the middle of its head, and of its body.
  for (const std::string& bytes :
       {std::string(), std::string(kHalfARequest),
        "POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc" +
            std::string()}) {
    Client client(port_);
    client.send(bytes);
    const Reply reply =
        thread_.blocking([&] { return testing::parse_reply(client.receive_all()); });
    EXPECT_NE(reply.status, 200);
  }
  // A byte now and then does not extend it.
  Client dribbler(port_);
  thread_.blocking([&] {
    while (dribbler.send("x")) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    // Others are served; on a busy machine these, too, may need more than the time given.
    while (testing::request(port_, "GET", "/metrics").status != 200) std::this_thread::yield();
  });
}

TEST_F(Limits, AClientThatDoesNotReadIsGivenUp) {
  ServerOptions options = patient();
  options.write_timeout = std::chrono::milliseconds(100);
  options.max_connections = 1;
  DebugServer& server = make_server(options);
  server.get("/big",
             [](const Request&) -> Response { return {.body = std::string(32 << 20, 'x')}; });
  start();
  Clients sleeper = connect(1, "GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
  // It had the only place.
  thread_.blocking([&] {
    while (testing::request(port_, "GET", "/metrics").status != 200) std::this_thread::yield();
  });
}

TEST_F(Limits, AHandlerHearsThatItsClientHasGone) {
  DebugServer& server = make_server(patient());
  std::atomic<int> began{0}, gave_up{0};
  server.get("/waits", [&](const Request& request) -> Response {
    ++began;
    if (!request.wait_for(std::chrono::hours(1))) ++gave_up;
    return {};
  });
  start();
  {
    const Clients clients = connect(3, "GET /waits HTTP/1.1\r\nHost: localhost\r\n\r\n");
    while (began != 3) thread_.safepoint();
  }
  while (gave_up != 3) thread_.safepoint();
}

TEST_F(Limits, StopEndsWhateverHangs) {
  DebugServer& server = make_server(patient());
  std::atomic<int> began{0};
  server.get("/waits", [&](const Request& request) -> Response {
    ++began;
    EXPECT_FALSE(request.wait_for(std::chrono::hours(1)));
    return {};
  });
  server.get("/big",
             [](const Request&) -> Response { return {.body = std::string(32 << 20, 'x')}; });
  start();
  Clients clients;
  for (const char* bytes :
       {"", kHalfARequest, kListen, "GET /waits HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /debug/pprof/profile HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /debug/pprof/trace?seconds=999 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n"}) {
    for (auto& client : connect(10, bytes)) clients.push_back(std::move(client));
  }
  while (began != 10) thread_.safepoint();
  thread_.blocking([&] { server.stop(); });
  EXPECT_FALSE(runtime_.tracing());
  server.stop();
  Client late(port_);
  EXPECT_TRUE(!late.connected() || late.ended());
}

TEST_F(Limits, AServerMayEndBeforeItHasStartedOrAtOnce) {
  make_server();
  make_server();
  start();
  make_server();
}

}  // namespace
}  // namespace greyhound::serve
