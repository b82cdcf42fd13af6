// SPDX-License-Identifier: MIT
// cpp-httplib reads the request and writes the answer; which answer is decided here, in front of
// its own routing, so that every method and path passes the same checks.
#include "runtime/watch/debughttp/debug_server.h"

#include <fmt/format.h>
#include <httplib.h>

#include <map>
#include <optional>

#include "runtime/watch/debughttp/access.h"
#include "runtime/watch/debughttp/address.h"
#include "runtime/watch/debughttp/client_stream.h"
#include "runtime/watch/debughttp/connections.h"
#include "runtime/watch/debughttp/event_feed.h"
#include "runtime/watch/debughttp/routes.h"

namespace greyhound::serve {
namespace {

constexpr size_t kMostBody = size_t{64} << 10;
constexpr std::chrono::seconds kHeartbeat{15};
constexpr const char* kEventStream = "text/event-stream";

struct Route {
  Handler read;
  std::shared_ptr<EventFeed> feed;
  bool always_streams = false;
  Handler control;
};

// cpp-httplib's server without its sockets and threads.
class Engine : public httplib::Server {
 public:
  // What it takes for its own listening socket, which a stream must see open.
  Engine() { svr_sock_ = 0; }
  ~Engine() override { svr_sock_ = INVALID_SOCKET; }
  using httplib::Server::process_request;
};

// A request that is there already, and an answer that nobody reads.
class CannedStream final : public httplib::Stream {
 public:
  explicit CannedStream(std::string_view request) : request_(request) {}
  bool is_readable() const override { return !request_.empty(); }
  bool is_writable() const override { return true; }
  ssize_t read(char* out, size_t size) override {
    const size_t count = request_.copy(out, size);
    request_.remove_prefix(count);
    return static_cast<ssize_t>(count);
  }
  ssize_t write(const char*, size_t size) override { return static_cast<ssize_t>(size); }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return INVALID_SOCKET; }

 private:
  std::string_view request_;
};

// Has cpp-httplib make its function-local statics, before there is a second thread: it is not
// compiled with our sanitizers, so ThreadSanitizer does not see what guards them.
void warm_up(Engine* engine) {
  for (const std::string_view request :
       {"GET /?a=b HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"}) {
    CannedStream stream(request);
    bool closed = false;
    engine->process_request(stream, true, closed, nullptr);
  }
}

class HttpRequest final : public Request {
 public:
  HttpRequest(const httplib::Request& request, const ClientStream& client)
      : request_(request), client_(client) {
    method = request.method;
    path = request.path;
    body = request.body;
    if (const size_t mark = request.target.find('?'); mark != std::string::npos)
      query = request.target.substr(mark + 1);
  }
  const std::string* parameter(std::string_view name) const override {
    const auto found = request_.params.find(std::string(name));
    return found == request_.params.end() ? nullptr : &found->second;
  }
  std::string header(const std::string& name) const override {
    return request_.get_header_value(name);
  }
  bool wait_for(std::chrono::nanoseconds time) const override { return client_.sleep(time); }

 private:
  const httplib::Request& request_;
  const ClientStream& client_;
};

Claims claims_of(const httplib::Request& request) {
  return {request.get_header_value_count("Host"),       request.get_header_value("Host"),
          request.get_header_value("Origin"),           request.has_header("Origin"),
          request.get_header_value("Sec-Fetch-Site"),   request.get_header_value("Sec-Fetch-Mode"),
          request.get_header_value("X-Greyhound-Token")};
}

void put(const Response& from, httplib::Response* to) {
  to->status = from.status;
  for (const auto& [name, value] : from.headers) to->set_header(name, value);
  to->set_content(from.body, from.content_type);
}

Response plain(int status, const std::string& text) {
  return {.status = status, .body = text + "\n"};
}

// One listener of a feed: an event now and one for each change; in between a comment every so
// often, which finds out whether the client is still there.
class EventSender {
 public:
  EventSender(std::shared_ptr<EventFeed> feed, ClientStream* client)
      : feed_(std::move(feed)), client_(client) {}

  // Writes what there is and rests. False: it is over.
  bool send(httplib::DataSink* sink) try {
    const auto now = ClientStream::Clock::now();
    const std::shared_ptr<const std::string> text = feed_->newer_than(&seen_);
    if (text != nullptr || now - last_ >= kHeartbeat) {
      last_ = now;
      const std::string bytes = text != nullptr ? format_event(*text) : ": \n\n";
      if (!sink->write(bytes.data(), bytes.size())) return false;
    }
    return client_->sleep(EventFeed::kPeriod);
  } catch (const std::exception&) {
    return false;  // the answer has begun: its end is all that can still be said
  }

 private:
  const std::shared_ptr<EventFeed> feed_;
  ClientStream* const client_;
  uint64_t seen_ = 0;
  ClientStream::Clock::time_point last_ = ClientStream::Clock::now();
};

// The one that answers on this thread. cpp-httplib gives a handler the request, but not the stream.
thread_local ClientStream* tls_client = nullptr;

}  // namespace

struct DebugServer::Impl {
  ServerOptions options;
  ListenAddress address;
  const std::string token = random_token();
  std::map<std::string, Route, std::less<>> routes;
  Engine engine;
  std::optional<Connections> connections;

  const Route* route_for(const std::string& path) const {
    if (const auto exact = routes.find(path); exact != routes.end()) return &exact->second;
    for (size_t slash = path.rfind('/'); slash != path.npos && slash > 0;
         slash = path.rfind('/', slash - 1)) {
      const auto prefix = routes.find(path.substr(0, slash + 1));
      if (prefix != routes.end()) return &prefix->second;
    }
    return nullptr;
  }

  void serve(int socket, int stop) {
    ClientStream client(socket, stop, options.request_timeout, options.write_timeout);
    tls_client = &client;
    bool closed = false;
    // One request a connection: nothing of an earlier one is ever taken for the next.
    engine.process_request(client, true, closed, [](httplib::Request& request) {
      request.ranges.clear();  // nothing here has parts
    });
    tls_client = nullptr;
  }

  // Whatever it is that may be answered without a body of the request's: everything but a control.
  bool answer_head(const httplib::Request& request, httplib::Response* response) const {
    const Refusal refusal = check_read(claims_of(request));
    const Route* route = route_for(request.path);
    const bool reads = request.method == "GET" || request.method == "HEAD";
    if (refusal.status != 0) {
      put(plain(refusal.status, refusal.why), response);
    } else if (route == nullptr) {
      put(plain(404, fmt::format("there is nothing at {}", request.path)), response);
    } else if (reads && (route->read || route->feed)) {
      answer_read(*route, request, response);
    } else if (request.method == "POST" && route->control) {
      return answer_refused_control(request, response);
    } else {
      Response refused = plain(405, fmt::format("{} takes no {}", request.path, request.method));
      const bool readable = route->read || route->feed;
      refused.headers = {
          {"Allow", readable ? (route->control ? "GET, HEAD, POST" : "GET, HEAD") : "POST"}};
      put(refused, response);
    }
    return true;
  }

  bool answer_refused_control(const httplib::Request& request, httplib::Response* response) const {
    const Refusal refusal = check_control(claims_of(request), token);
    if (refusal.status != 0) put(plain(refusal.status, refusal.why), response);
    return refusal.status != 0;
  }

  void answer_read(const Route& route, const httplib::Request& request,
                   httplib::Response* response) const {
    const bool asked = request.get_header_value("Accept").find(kEventStream) != std::string::npos;
    if (route.feed && (route.always_streams || asked)) return stream(route.feed, response);
    put(call(route.read, request), response);
  }

  void answer_control(const httplib::Request& request, httplib::Response* response) const {
    put(call(route_for(request.path)->control, request), response);
  }

  static Response call(const Handler& handler, const httplib::Request& request) try {
    return handler(HttpRequest(request, *tls_client));
  } catch (const std::exception& error) {
    return plain(500, error.what());
  }

  static void stream(const std::shared_ptr<EventFeed>& feed, httplib::Response* response) {
    response->status = 200;
    response->set_header("Cache-Control", "no-store");
    tls_client->streaming();
    const auto sender = std::make_shared<EventSender>(feed, tls_client);
    response->set_chunked_content_provider(
        kEventStream, [sender](size_t, httplib::DataSink& sink) { return sender->send(&sink); });
  }
};

DebugServer::DebugServer(ObservedRuntimes* observed, ServerOptions options)
    : impl_(std::make_unique<Impl>()) {
  impl_->options = std::move(options);
  impl_->address = parse_address(impl_->options.address);
  Engine& engine = impl_->engine;
  engine.set_payload_max_length(kMostBody);
  engine.set_default_headers({{"X-Content-Type-Options", "nosniff"}, {"X-Frame-Options", "DENY"}});
  Impl* impl = impl_.get();
  engine.set_pre_routing_handler(
      [impl](const httplib::Request& request, httplib::Response& response) {
        return impl->answer_head(request, &response) ? Engine::HandlerResponse::Handled
                                                     : Engine::HandlerResponse::Unhandled;
      });
  engine.Post(".*", [impl](const httplib::Request& request, httplib::Response& response) {
    impl->answer_control(request, &response);
  });
  warm_up(&engine);
  add_routes(this, observed, impl_->options);
}

DebugServer::~DebugServer() { stop(); }

void DebugServer::get(std::string path, Handler handler) {
  impl_->routes[std::move(path)].read = std::move(handler);
}

void DebugServer::post_control(std::string path, Handler handler) {
  impl_->routes[std::move(path)].control = std::move(handler);
}

void DebugServer::events(std::string path, EventSource source) {
  Route& route = impl_->routes[std::move(path)];
  route.feed = std::make_shared<EventFeed>(std::move(source));
  route.always_streams = true;
}

void DebugServer::get_or_events(std::string path, Handler handler, EventSource source) {
  Route& route = impl_->routes[std::move(path)];
  route.read = std::move(handler);
  route.feed = std::make_shared<EventFeed>(std::move(source));
}

void DebugServer::start() {
  Impl* impl = impl_.get();
  impl->connections.emplace(impl->options.max_connections,
                            [impl](int socket, int stop) { impl->serve(socket, stop); });
  impl->address = impl->connections->start(impl->address);
}

void DebugServer::stop() {
  if (impl_->connections) impl_->connections->stop();
}

std::string DebugServer::url() const { return "http://" + impl_->address.to_string(); }

const std::string& DebugServer::token() const { return impl_->token; }

std::string DebugServer::url_with_token(std::string_view path) const {
  return fmt::format("{}{}?token={}", url(), path, token());
}

}  // namespace greyhound::serve
