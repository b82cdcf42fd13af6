// SPDX-License-Identifier: MIT
// A profile from a server: one that serves it, and those that do not, or never come to an end.
#include "tools/pprof/fetch.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <string>
#include <thread>

#include "tests/tools/command.h"
#include "tests/tools/process.h"
#include "tests/tools/raw_profile.h"
#include "tests/tools/small_profile.h"

namespace greyhound::pprof {
namespace {

using std::chrono::milliseconds;
using testing::error_of;
using testing::RawProfile;
using testing::run_greyhound;

// Answers each request, whatever it asks, by what `answer` sends; until it is gone.
class OneAnswer {
 public:
  using Send = std::function<bool(const std::string&)>;
  explicit OneAnswer(std::function<void(const std::string& request, const Send& send)> answer)
      : answer_(std::move(answer)) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(socket_, 8), 0);
    socklen_t size = sizeof address;
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~OneAnswer() {
    done_ = true;
    thread_.join();
    close(socket_);
  }
  OneAnswer(const OneAnswer&) = delete;
  OneAnswer& operator=(const OneAnswer&) = delete;
  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }

 private:
  void serve() {
    while (!done_) {
      pollfd wait = {socket_, POLLIN, 0};
      if (poll(&wait, 1, 20) != 1) continue;
      const int connection = accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
      std::string request;
      char buffer[4096];
      while (request.find("\r\n\r\n") == request.npos) {
        const ssize_t got = recv(connection, buffer, sizeof buffer, 0);
        if (got <= 0) break;
        request.append(buffer, static_cast<size_t>(got));
      }
      answer_(request, [&](const std::string& bytes) {
        return !done_ && ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                             static_cast<ssize_t>(bytes.size());
      });
      close(connection);
    }
  }

  const std::function<void(const std::string&, const Send&)> answer_;
  int socket_ = -1;
  int port_ = 0;
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

std::string ok(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n\r\n" + body;
}

TEST(Fetch, TheBodyIsWhatTheServerSends) {
  const std::string packed = RawProfile("cpu", "nanoseconds").stack({"main", "f"}, {7}).packed();
  std::promise<std::string> asked;
  OneAnswer server(
      [&, first = true](const std::string& request, const OneAnswer::Send& send) mutable {
        if (first) asked.set_value(request.substr(0, request.find("\r\n")));
        first = false;
        send(ok(packed));
      });
  EXPECT_EQ(fetch(server.url("/debug/pprof/heap?gc=1#part")), packed);
  EXPECT_EQ(asked.get_future().get(), "GET /debug/pprof/heap?gc=1 HTTP/1.1");
  EXPECT_EQ(run_greyhound("pprof --folded '" + server.url("/p") + "'").out, "main;f 7\n");
}

TEST(Fetch, ARedirectionIsFollowedAndACircleIsNot) {
  OneAnswer server([](const std::string& request, const OneAnswer::Send& send) {
    const bool here = request.starts_with("GET /there ");
    const char* to = request.starts_with("GET /circle ") ? "/circle" : "/there";
    send(here ? ok("found")
              : std::string("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: ") + to +
                    "\r\nConnection: close\r\n\r\n");
  });
  EXPECT_EQ(fetch(server.url("/here")), "found");
  EXPECT_NE(error_of([&] { fetch(server.url("/circle")); }).find("from one address to the next"),
            std::string::npos);
}

TEST(Fetch, ARedirectionIsReadAsPartOfWhatWasAsked) {
  OneAnswer other([](const std::string&, const OneAnswer::Send& send) { send(ok("the other")); });
  const std::string elsewhere = other.url("/x").substr(std::string("http:").size());
  OneAnswer server([&](const std::string& request, const OneAnswer::Send& send) {
    const std::string asked = request.substr(0, request.find(" HTTP"));
    const auto redirect = [&](const std::string& to) {
      send("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + to +
           "\r\nConnection: close\r\n\r\n");
    };
    if (asked == "GET /debug/pprof/heap") {
      redirect("allocs");
    } else if (asked == "GET /server") {
      redirect(elsewhere);
    } else if (asked == "GET /port") {
      redirect("http://127.0.0.1:99999999999/x");
    } else {
      send(ok(asked));
    }
  });
  EXPECT_EQ(fetch(server.url("/debug/pprof/heap")), "GET /debug/pprof/allocs");
  EXPECT_EQ(fetch(server.url("/server")), "the other");
  EXPECT_EQ(error_of([&] { fetch(server.url("/port")); }),
            server.url("/port") +
                ": cannot be read: it leads to http://127.0.0.1:99999999999/x: "
                "its port is no number from 1 to 65535");
}

TEST(Fetch, AddressesThatAreNoneAreASentence) {
  for (const std::string& url :
       {std::string("http://127.0.0.1:99999999999/x"), "http://" + std::string(100'000, 'a') + "/x",
        std::string("http://[::1/x")}) {
    const testing::Output output = run_greyhound("pprof '" + url + "'");
    EXPECT_EQ(output.status, 2);
    EXPECT_EQ(output.out, "");
    ASSERT_EQ(output.err_lines().size(), 1u) << output.err;
    EXPECT_TRUE(output.err.starts_with("greyhound pprof: " + url + ": ")) << output.err;
  }
}

TEST(Fetch, AddressesOfIpv6AreUnderstood) {
  // Whether there is such a network here or not: asked it is.
  const std::string error = error_of([] { fetch("http://[::1]:1/x"); });
  EXPECT_EQ(error, "http://[::1]:1/x: cannot be read: nobody answers there");
}

TEST(Fetch, WhatAServerLacksIsASentence) {
  OneAnswer server([](const std::string&, const OneAnswer::Send& send) {
    send(
        "HTTP/1.1 404 Not Found\r\nContent-Length: 19\r\nConnection: close\r\n\r\nno "
        "\x1b[31msuch\nthing.");
  });
  const std::string url = server.url("/debug/pprof/none");
  EXPECT_EQ(error_of([&] { fetch(url); }),
            url + ": cannot be read: the server answers 404: no \\x1b[31msuch");
  EXPECT_NE(error_of([] { fetch("http://127.0.0.1:1/x"); }).find("nobody answers there"),
            std::string::npos);
  EXPECT_NE(error_of([] { fetch("http://127.0.0.1:1"); }).find("names no profile"),
            std::string::npos);
  EXPECT_NE(error_of([] { fetch("http:///x"); }).find("names no server"), std::string::npos);
}

TEST(Fetch, AnAnswerThatBreaksOffIsAnError) {
  OneAnswer server([](const std::string&, const OneAnswer::Send& send) {
    send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nhalf");
  });
  EXPECT_NE(error_of([&] { fetch(server.url("/x")); }).find("broke off"), std::string::npos);
}

// A byte now and then is within every time limit but that of the whole.
TEST(Fetch, AServerThatNeverEndsIsLeft) {
  for (const std::string head : {"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nX: "}) {
    OneAnswer server([&](const std::string&, const OneAnswer::Send& send) {
      send(head);
      while (send("x")) std::this_thread::sleep_for(milliseconds(10));
    });
    EXPECT_NE(error_of([&] { fetch(server.url("/x"), milliseconds(300)); }).find("more than 0.3 s"),
              std::string::npos);
  }
}

TEST(Fetch, OurServersProfilesAreRead) {
  testing::Process server({"serve", "127.0.0.1:0"});
  const std::string url = "http://127.0.0.1:" + std::to_string(server.port());
  const testing::Output output = run_greyhound("pprof " + url + "/debug/pprof/allocs --lines 3");
  EXPECT_EQ(output.status, 0) << output.err;
  EXPECT_TRUE(output.out.starts_with("alloc_space: ")) << output.out;
  const testing::Output none = run_greyhound("pprof " + url + "/debug/pprof/none");
  EXPECT_EQ(none.status, 2);
  EXPECT_NE(none.err.find("the server answers 404"), std::string::npos) << none.err;
}

}  // namespace
}  // namespace greyhound::pprof
