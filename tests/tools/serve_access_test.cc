// SPDX-License-Identifier: MIT
// Who gets an answer: addresses, the Host header, other sites, the token. First the checks by
// themselves, then on a server.
#include "runtime/watch/debughttp/access.h"

#include "runtime/watch/debughttp/address.h"
#include "tests/tools/serve_http.h"

namespace greyhound::serve {
namespace {

using testing::Reply;

TEST(Address, LoopbackInAllItsSpellings) {
  EXPECT_EQ(parse_address("127.0.0.1:8080").to_string(), "127.0.0.1:8080");
  EXPECT_EQ(parse_address("127.1.2.3:1").to_string(), "127.1.2.3:1");
  EXPECT_EQ(parse_address("localhost:0").to_string(), "127.0.0.1:0");
  EXPECT_EQ(parse_address("localhost").to_string(), "127.0.0.1:6060");
  EXPECT_EQ(parse_address(":7").to_string(), "127.0.0.1:7");
  EXPECT_EQ(parse_address("65535").to_string(), "127.0.0.1:65535");
  EXPECT_EQ(parse_address("").to_string(), "127.0.0.1:6060");
  EXPECT_EQ(parse_address("[::1]:7").to_string(), "[::1]:7");
  EXPECT_EQ(parse_address("[::1]").to_string(), "[::1]:6060");
  EXPECT_EQ(parse_address("::1").to_string(), "[::1]:6060");
}

TEST(Address, OthersAreRefusedWithASentence) {
  for (const char* text : {"0.0.0.0:6060", "0.0.0.0", "192.168.1.5:80", "[::]:80",
                           "::", "128.0.0.1", "[::ffff:127.0.0.1]:1"}) {
    try {
      parse_address(text);
      ADD_FAILURE() << text;
    } catch (const AddressError& error) {
      EXPECT_NE(std::string(error.what()).find("not a loopback"), std::string::npos) << text;
      EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
    }
  }
  for (const char* text :
       {"example.com:80", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1", "[::1",
        "[::1]x", "[::1]:", "[]:1", "1:2:3", "70000", "127.0.0.1:80:80", "http://127.0.0.1:80",
        "127.0.0.1 ", "127.0.0.1:+8"}) {
    try {
      parse_address(text);
      ADD_FAILURE() << text;
    } catch (const AddressError& error) {
      EXPECT_NE(std::string(error.what()).find("no address"), std::string::npos) << error.what();
    }
  }
}

TEST(Host, LoopbackNamesOnly) {
  for (const char* host : {"localhost", "localhost:6060", "127.0.0.1", "127.0.0.1:80", "127.9.9.9",
                           "[::1]", "[::1]:6060"})
    EXPECT_TRUE(is_loopback_host(host)) << host;
  for (const char* host :
       {"", "example.com", "localhost.example.com", "127.0.0.1.example.com", "127.0.0.1:80x",
        "localhost:", "[::1", "[::1]6060", "[::]", "0.0.0.0", "1.2.3.4", "evil@localhost"})
    EXPECT_FALSE(is_loopback_host(host)) << host;
}

TEST(Token, IsRandomAndLong) {
  const std::string token = random_token();
  EXPECT_EQ(token.size(), 32u);
  EXPECT_EQ(token.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(token, random_token());
}

class Access : public testing::ServeTest {
 protected:
  Access() {
    make_server().post_control("/step", [this](const Request& request) -> Response {
      ++steps_;
      return {.body = "stepped " + request.body};
    });
    server_->get("/step", [](const Request&) -> Response { return {.body = "state"}; });
    server_->post_control("/only", [](const Request&) -> Response { return {}; });
    start();
  }
  std::string token_header() const { return "X-Greyhound-Token: " + server_->token() + "\r\n"; }

  int steps_ = 0;
};

TEST_F(Access, ForeignHostIsRefusedEverywhere) {
  for (const char* target : {"/", "/metrics", "/debug/gc", "/debug/pprof/heap", "/nowhere"}) {
    const Reply reply = get(target, "Host: attacker.example\r\n");
    EXPECT_EQ(reply.status, 403) << target;
    EXPECT_NE(reply.body.find("attacker.example"), std::string::npos);
  }
  EXPECT_EQ(ask("POST", "/step", "Host: attacker.example\r\n" + token_header(), "1").status, 403);
  EXPECT_EQ(steps_, 0);
}

TEST_F(Access, OneHostIsNeeded) {
  EXPECT_EQ(get("/metrics", "Host: localhost\r\nHost: localhost\r\n").status, 400);
  testing::Client client(port_);
  client.send("GET /metrics HTTP/1.1\r\n\r\n");
  EXPECT_EQ(testing::parse_reply(client.receive_all()).status, 400);
}

TEST_F(Access, AnotherSitesRequestIsRefusedButNotALinkFromIt) {
  EXPECT_EQ(get("/debug/pprof/heap?gc=1", "Sec-Fetch-Site: cross-site\r\n").status, 403);
  EXPECT_EQ(get("/metrics", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n").status,
            403);
  EXPECT_EQ(get("/metrics", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n").status,
            200);
  EXPECT_EQ(get("/metrics", "Sec-Fetch-Site: same-origin\r\n").status, 200);
  EXPECT_EQ(get("/").header("x-frame-options"), "DENY");
}

TEST_F(Access, AControlNeedsTheToken) {
  EXPECT_EQ(ask("POST", "/step", "", "1").status, 403);
  EXPECT_EQ(ask("POST", "/step", "X-Greyhound-Token: \r\n", "1").status, 403);
  EXPECT_EQ(ask("POST", "/step", "X-Greyhound-Token: " + std::string(32, '0') + "\r\n").status,
            403);
  EXPECT_EQ(ask("POST", "/step?token=" + server_->token(), "", "1").status, 403);
  EXPECT_EQ(steps_, 0);
  const Reply reply = ask("POST", "/step", token_header(), "17");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "stepped 17");
  EXPECT_EQ(steps_, 1);
}

TEST_F(Access, AControlNeedsTheServersOwnOrigin) {
  const std::string host = "Host: localhost:" + std::to_string(port_) + "\r\n";
  const std::string own = "http://localhost:" + std::to_string(port_);
  const auto with_origin = [&](const std::string& origin) {
    return ask("POST", "/step", host + token_header() + "Origin: " + origin + "\r\n", "1").status;
  };
  EXPECT_EQ(with_origin("http://attacker.example"), 403);
  EXPECT_EQ(with_origin("null"), 403);
  EXPECT_EQ(with_origin("https://localhost:" + std::to_string(port_)), 403);
  EXPECT_EQ(with_origin("http://localhost:1"), 403);
  EXPECT_EQ(steps_, 0);
  EXPECT_EQ(with_origin(own), 200);
  EXPECT_EQ(steps_, 1);
}

TEST_F(Access, NothingThatAnyoneCanReadHoldsTheToken) {
  for (const char* target : {"/", "/metrics", "/debug/gc", "/debug/pprof/", "/debug/pprof/cmdline",
                             "/debug/pprof/goroutine?debug=2", "/step"}) {
    EXPECT_EQ(get(target).body.find(server_->token()), std::string::npos) << target;
  }
  EXPECT_EQ(server_->url_with_token("/lab"), server_->url() + "/lab?token=" + server_->token());
}

TEST_F(Access, ReadsTakeGetAndHeadOnly) {
  for (const char* target : {"/", "/metrics", "/debug/gc", "/debug/gc/events", "/debug/pprof/",
                             "/debug/pprof/heap", "/debug/pprof/symbol"}) {
    for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
      const Reply reply = ask(method, target, token_header());
      EXPECT_EQ(reply.status, 405) << method << " " << target;
      EXPECT_EQ(reply.header("allow"), "GET, HEAD");
    }
  }
  EXPECT_EQ(ask("PUT", "/step", token_header()).header("allow"), "GET, HEAD, POST");
  EXPECT_EQ(ask("GET", "/only").status, 405);
  EXPECT_EQ(ask("GET", "/only").header("allow"), "POST");
  EXPECT_EQ(ask("POST", "/nowhere", token_header()).status, 404);
}

TEST_F(Access, HeadIsGetWithoutTheBody) {
  for (const char* target : {"/", "/metrics", "/debug/gc", "/debug/gc/events", "/debug/pprof/",
                             "/debug/pprof/heap", "/debug/pprof/cmdline", "/step"}) {
    const Reply head = ask("HEAD", target);
    EXPECT_EQ(head.status, 200) << target;
    EXPECT_EQ(head.body, "") << target;
    EXPECT_NE(head.header("content-type"), "") << target;
  }
  EXPECT_EQ(ask("HEAD", "/nowhere").status, 404);
}

TEST_F(Access, WhatIsNoHttpEndsTheConnectionAndNothingMore) {
  for (const char* bytes : {"\r\n\r\n", "hello\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
                            "GET /metrics HTTP/1.1\r\nHost localhost\r\n\r\n"}) {
    testing::Client client(port_);
    client.send(bytes);
    const Reply reply = testing::parse_reply(client.receive_all());
    EXPECT_TRUE(reply.status == 0 || reply.status == 400) << bytes << reply.status;
  }
  EXPECT_EQ(get("/" + std::string(20'000, 'x')).status, 414);
  EXPECT_NE(get("/metrics", "X-Much: " + std::string(300'000, 'x') + "\r\n").status, 200);
  EXPECT_EQ(ask("POST", "/step", token_header(), std::string(100'000, 'x')).status, 413);
  EXPECT_EQ(steps_, 0);
  EXPECT_EQ(get("/metrics").status, 200);
}

TEST_F(Access, AHandlersExceptionIsA500WithItsText) {
  serve::DebugServer& server = make_server();
  server.get("/throws", [](const Request&) -> Response { throw std::runtime_error("so it is"); });
  server.events("/throws/events", []() -> std::string { throw std::runtime_error("so it is"); });
  start();
  const Reply reply = get("/throws");
  EXPECT_EQ(reply.status, 500);
  EXPECT_NE(reply.body.find("so it is"), std::string::npos);
  get("/throws/events");
  EXPECT_EQ(get("/metrics").status, 200);
}

TEST_F(Access, AnOccupiedPortIsASentence) {
  serve::DebugServer second(&observed_, {.address = "127.0.0.1:" + std::to_string(port_)});
  try {
    second.start();
    ADD_FAILURE();
  } catch (const AddressError& error) {
    EXPECT_NE(std::string(error.what()).find("another program listens there"), std::string::npos);
  }
}

}  // namespace
}  // namespace greyhound::serve
