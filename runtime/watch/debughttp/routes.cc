// SPDX-License-Identifier: MIT
#include "runtime/watch/debughttp/routes.h"

#include "runtime/watch/debughttp/gc_json.h"
#include "runtime/watch/debughttp/metrics.h"
#include "runtime/watch/debughttp/start_page.h"

namespace greyhound::serve {
namespace {

constexpr const char* kJson = "application/json";

// compat=go, or nothing.
Response metrics(const Request& request, ObservedRuntimes* observed, bool go_names) {
  if (const std::string* compat = request.parameter("compat"); compat != nullptr) {
    if (*compat != "go")
      return {.status = 400, .body = "invalid value for \"compat\" - it is go, or left out\n"};
    go_names = true;
  }
  return {.content_type = kMetricsContentType,
          .body = format_metrics(observed->snapshot(), go_names)};
}

}  // namespace

void add_routes(DebugServer* server, ObservedRuntimes* observed, const ServerOptions& options) {
  const auto state = [observed] { return gc_json(observed->snapshot()); };
  server->get("/", [observed](const Request& request) -> Response {
    if (request.path != "/") return {.status = 404, .body = "there is nothing at this path\n"};
    return {.content_type = "text/html; charset=utf-8", .body = start_page(observed)};
  });
  server->get("/metrics", [observed, go_names = options.go_metrics](const Request& request) {
    return metrics(request, observed, go_names);
  });
  server->get_or_events(
      "/debug/gc",
      [state](const Request&) -> Response {
        return {.content_type = kJson,
                .body = state() + "\n",
                .headers = {{"Cache-Control", "no-store"}}};
      },
      state);
  server->events("/debug/gc/events", state);
  add_pprof_routes(server, observed);
}

}  // namespace greyhound::serve
