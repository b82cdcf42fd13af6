// SPDX-License-Identifier: MIT
// An HTTP client that sends what a test wants sent, however wrong, and reads what comes: on
// sockets, so that it can also be slow, silent, or gone. Every read gives up after half a minute,
// so that a server that does not answer fails its test rather than hanging it.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "runtime/greyhound.h"
#include "runtime/watch/debughttp/debug_server.h"
#include "runtime/watch/debughttp/observed_runtimes.h"

namespace greyhound::testing {

struct Reply {
  int status = 0;                              // 0: none that can be read
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

// One connection.
class Client {
 public:
  explicit Client(int port) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~Client() { close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return connected_; }
  bool send(const std::string& bytes) {
    return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }
  // A small window: what is sent then soon waits for this client.
  void take_little() {
    const int bytes = 4096;
    setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  }
  // Some bytes; empty at the end, and when nothing comes for ten minutes: ctest ends a test before,
  // and a sanitizer's build may take long to find the names of a profile.
  std::string receive_some() {
    pollfd wait = {socket_, POLLIN, 0};
    char buffer[4096];
    if (poll(&wait, 1, 600'000) != 1) return "";
    const ssize_t got = recv(socket_, buffer, sizeof buffer, 0);
    return got <= 0 ? "" : std::string(buffer, static_cast<size_t>(got));
  }
  std::string receive_all() {
    std::string all;
    for (std::string some; !(some = receive_some()).empty();) all += some;
    return all;
  }
  // Until `text` has come, or nothing more does.
  std::string receive_until(const std::string& text) {
    std::string all;
    while (all.find(text) == all.npos) {
      const std::string some = receive_some();
      if (some.empty()) break;
      all += some;
    }
    return all;
  }
  bool ended() { return receive_all().empty(); }

 private:
  int socket_ = -1;
  bool connected_ = false;
};

inline std::string unchunked(const std::string& text) {
  std::string body;
  for (size_t at = 0; at < text.size();) {
    const size_t size = std::stoul(text.substr(at), nullptr, 16);
    at = text.find("\r\n", at) + 2;
    if (size == 0) break;
    body += text.substr(at, size);
    at += size + 2;
  }
  return body;
}

inline Reply parse_reply(const std::string& text) {
  Reply reply;
  const size_t head_end = text.find("\r\n\r\n");
  if (!text.starts_with("HTTP/1.1 ") || head_end == text.npos) return reply;
  reply.status = std::stoi(text.substr(9, 3));
  reply.body = text.substr(head_end + 4);
  for (size_t at = text.find("\r\n") + 2; at < head_end;) {
    const size_t end = text.find("\r\n", at), colon = text.find(": ", at);
    std::string name = text.substr(at, colon - at);
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    reply.headers[name] = text.substr(colon + 2, end - colon - 2);
    at = end + 2;
  }
  if (reply.header("transfer-encoding") == "chunked") reply.body = unchunked(reply.body);
  return reply;
}

// `headers`: whole lines with their ends; a Host is added unless they hold one.
inline Reply request(int port, const std::string& method, const std::string& target,
                     std::string headers = "", const std::string& body = "") {
  Client client(port);
  if (headers.find("Host:") == headers.npos) headers = "Host: localhost\r\n" + headers;
  if (!body.empty() || method == "POST")
    headers += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  client.send(method + " " + target + " HTTP/1.1\r\n" + headers + "\r\n" + body);
  return parse_reply(client.receive_all());
}

// A runtime whose every object is sampled, this thread attached, and a server that shows it.
class ServeTest : public ::testing::Test {
 protected:
  struct Node {
    Ref<Node> next;
    int64_t value;
  };

  static runtime::Options options() {
    runtime::Options options;
    options.use_environment = false;
    options.mem_profile_rate = 1;
    return options;
  }

  ServeTest() { observed_.add(runtime_); }
  ~ServeTest() override {
    if (server_) server_->stop();
    observed_.remove(runtime_);
  }

  serve::DebugServer& make_server(serve::ServerOptions server_options = {}) {
    server_options.address = "127.0.0.1:0";
    return server_.emplace(&observed_, server_options);
  }
  void start() {
    if (!server_) make_server();
    server_->start();
    const std::string url = server_->url();
    port_ = std::stoi(url.substr(url.rfind(':') + 1));
  }
  // Blocked while it waits, so that what it asks for can collect.
  Reply get(const std::string& target, const std::string& headers = "") {
    return thread_.blocking([&] { return request(port_, "GET", target, headers); });
  }
  Reply ask(const std::string& method, const std::string& target, const std::string& headers = "",
            const std::string& body = "") {
    return thread_.blocking([&] { return request(port_, method, target, headers, body); });
  }
  Node* make_list(int64_t length) {
    Node* list = nullptr;
    for (int64_t i = 0; i < length; ++i) list = thread_.make<Node>(list, i);
    return list;
  }

  runtime::Runtime runtime_{options()};
  runtime::Thread thread_{runtime_, "tester"};
  serve::ObservedRuntimes observed_;
  std::optional<serve::DebugServer> server_;
  int port_ = 0;
};

}  // namespace greyhound::testing
