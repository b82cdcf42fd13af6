// SPDX-License-Identifier: MIT
// The debug server: what a process shows of its runtimes over HTTP. Off unless somebody makes one.
// It listens on a loopback address only, answers at most ServerOptions::max_connections clients at
// a time (others get a 503), each connection one request, and never writes to the runtimes that it
// observes: what a request can do to them is what Go's parameters can (heap?gc=1 is a collection).
//
//   runtime::Runtime rt;
//   serve::ObservedRuntimes observed;
//   observed.add(rt);
//   serve::DebugServer server(&observed, {.address = "127.0.0.1:6060"});
//   server.start();                              // http://127.0.0.1:6060/debug/pprof/
//
// Two kinds of routes. Reads are GET or HEAD, for anyone who can reach the address. Controls are
// POST, with the server's random token in the header X-Greyhound-Token, and from no other origin
// than the server's own. Both are refused when the Host header names no loopback host (so that no
// web site can reach them by rebinding its name) or when a browser says that another site asked.
//
// Thread rules: get, post_control and events before start(), from one thread; url, token and stop
// from any. Handlers and event sources are called on threads of the server's, which are attached to
// no runtime, several at a time: they lock what they share. They may throw: that is a 500 with the
// exception's text.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace greyhound::serve {

class ObservedRuntimes;

// One request, to a handler. Lives as long as the handler's call.
class Request {
 public:
  std::string method;  // GET, HEAD or POST
  std::string path;    // decoded, without the query
  std::string query;   // as it was sent
  std::string body;    // of a POST; at most 64 KiB

  virtual ~Request() = default;
  // The first value of that name in the query; null when there is none.
  virtual const std::string* parameter(std::string_view name) const = 0;
  // Empty when there is none.
  virtual std::string header(const std::string& name) const = 0;
  // Sleeps so long. False at once when the server is stopped or the client has gone: give up then.
  virtual bool wait_for(std::chrono::nanoseconds time) const = 0;
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body = {};
  std::vector<std::pair<std::string, std::string>> headers = {};  // further ones
};

using Handler = std::function<Response(const Request&)>;
// The present state, as one text (usually JSON). Called at most ten times a second, while somebody
// listens, whatever the number of listeners.
using EventSource = std::function<std::string()>;

struct ServerOptions {
  // ADDR:PORT, :PORT or PORT, the address a loopback one; port 0 takes a free one.
  std::string address = "127.0.0.1:6060";
  size_t max_connections = 80;
  // Within this a request must have come whole.
  std::chrono::milliseconds request_timeout{10'000};
  // And so long may a client take to read a part of the answer before it is given up.
  std::chrono::milliseconds write_timeout{10'000};
  // /metrics has Go's names beside ours without being asked by ?compat=go.
  bool go_metrics = false;
};

// An address that is none, is not loopback, or is in use: a sentence.
class AddressError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class DebugServer {
 public:
  // `observed` must outlive the server. Throws AddressError when the address is not understood.
  DebugServer(ObservedRuntimes* observed, ServerOptions options = {});
  // Stops.
  ~DebugServer();
  DebugServer(const DebugServer&) = delete;
  DebugServer& operator=(const DebugServer&) = delete;

  // A read. A path that ends in '/' stands for all that begin with it and have no route of their
  // own. Registered twice, the later one counts.
  void get(std::string path, Handler handler);
  // A control.
  void post_control(std::string path, Handler handler);
  // A read that is a stream of server-sent events: each listener gets the present state, and then
  // each one that differs from the last.
  void events(std::string path, EventSource source);
  // A read that is such a stream when the client asks for text/event-stream.
  void get_or_events(std::string path, Handler handler, EventSource source);

  // Listens and answers, on threads of its own. Throws AddressError when the port is taken.
  void start();
  // Ends every connection and waits for the handlers that run. Idempotent.
  void stop();

  // "http://127.0.0.1:6060", once started.
  std::string url() const;
  // 32 hexadecimal digits, another one for each server.
  const std::string& token() const;
  // url() + path + "?token=...": to be shown to the one who started the server. A page reads the
  // token from its own address; no read route gives it away, as any user of the machine may read.
  std::string url_with_token(std::string_view path) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace greyhound::serve
