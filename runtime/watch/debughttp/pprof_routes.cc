// SPDX-License-Identifier: MIT
// /debug/pprof/, with the paths, parameters, headers and messages of Go's net/http/pprof, so that
// go tool pprof fetches from it.
#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <fstream>
#include <iterator>
#include <mutex>
#include <sstream>

#include "runtime/watch/debughttp/pprof_parameters.h"
#include "runtime/watch/debughttp/profile_delta.h"
#include "runtime/watch/debughttp/profile_text.h"
#include "runtime/watch/debughttp/profiles.h"
#include "runtime/watch/debughttp/routes.h"
#include "runtime/watch/debughttp/sessions.h"
#include "runtime/watch/debughttp/start_page.h"
#include "runtime/watch/pprof/cpu_profile.h"
#include "runtime/watch/pprof/symbolizer.h"

namespace greyhound::serve {
namespace {

using pprof::Profile;

constexpr const char* kRoot = "/debug/pprof/";

// As Go's serveError.
Response failure(int status, const std::string& text) {
  return {.status = status, .body = text + "\n", .headers = {{"X-Go-Pprof", "1"}}};
}

// A file to be kept under `name`.
Response attachment(std::string bytes, const std::string& name) {
  return {.content_type = "application/octet-stream",
          .body = std::move(bytes),
          .headers = {{"Content-Disposition", fmt::format("attachment; filename=\"{}\"", name)}}};
}

// The command line, its words separated by NUL.
Response cmdline(const Request&) {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (text.ends_with('\0')) text.pop_back();
  return {.body = text};
}

// The names of the addresses in the query, which are separated by '+'.
Response symbol(const Request& request) {
  std::string text = "num_symbols: 1\n";
  pprof::Symbolizer symbolizer;
  std::istringstream words(request.query);
  for (std::string word; std::getline(words, word, '+');) {
    if (word.starts_with("0x") || word.starts_with("0X")) word.erase(0, 2);
    uint64_t address = 0;
    const char* end = word.data() + word.size();
    const auto parsed = std::from_chars(word.data(), end, address, 16);
    if (parsed.ec != std::errc() || parsed.ptr != end || address == 0) continue;
    // The symbolizer takes return addresses and looks at the call before.
    const pprof::Location location = symbolizer.call_before(address + 1);
    text += fmt::format("{:#x} {}\n", address, location.frames.back().name);
  }
  return {.body = text};
}

class Routes {
 public:
  explicit Routes(ObservedRuntimes* observed) : observed_(observed) {}

  Response names(const Request& request) {
    std::lock_guard turn(symbols_);
    return symbol(request);
  }

  // One of the profiles that are a state: now, or what it changed by in some seconds.
  Response state(const std::string& name, const Request& request) {
    const PprofParameters parameters = read_parameters(request);
    if (parameters.seconds && parameters.debug != 0)
      return failure(400, "seconds and debug params are incompatible");
    if (parameters.seconds) return delta(name, parameters, request);
    if (name == "heap" && parameters.gc) observed_->collect();
    if (parameters.debug != 0) return {.body = text(name, parameters)};
    return attachment(encode(now(name, parameters)), name);
  }

  // What happens in the next `seconds`, 30 unless said otherwise.
  Response cpu(const Request& request) {
    const PprofParameters parameters = read_parameters(request);
    CpuSession session(observed_);
    if (!request.wait_for(parameters.seconds.value_or(kCpuTime))) return given_up();
    const runtime::CpuProfile cpu = session.stop();
    std::lock_guard turn(symbols_);
    return attachment(encode(pprof::cpu_profile(cpu, {parameters.hide_runtime})), "profile");
  }

  Response gc(const Request& request) {
    const PprofParameters parameters = read_parameters(request);
    const GcCosts before = gc_costs(observed_);
    CpuSession session(observed_);
    if (!request.wait_for(parameters.seconds.value_or(kCpuTime))) return given_up();
    const runtime::CpuProfile cpu = session.stop();
    const GcCosts after = gc_costs(observed_);
    std::lock_guard turn(symbols_);
    return attachment(encode(gc_profile(before, after, cpu)), "gc");
  }

  Response trace(const Request& request) {
    const PprofParameters parameters = read_parameters(request);
    const std::unique_lock turn(tracing_, std::try_to_lock);
    if (!turn.owns_lock()) return failure(500, kTracing);
    TraceSession session(observed_);
    if (session.busy() != 0) return failure(500, kTracing);
    if (!request.wait_for(parameters.seconds.value_or(kTraceTime))) return given_up();
    Response response = attachment(session.stop(), "trace.json");
    response.content_type = "application/json";
    return response;
  }

 private:
  static constexpr std::chrono::seconds kCpuTime{30}, kTraceTime{1};
  static constexpr const char* kTracing = "Could not enable tracing: tracing is already enabled";

  static Response given_up() { return failure(500, "the profile was given up"); }

  Response delta(const std::string& name, const PprofParameters& parameters,
                 const Request& request) {
    const Profile before = now(name, parameters);
    if (!request.wait_for(*parameters.seconds)) return given_up();
    return attachment(encode(profile_delta(before, now(name, parameters))), name + "-delta");
  }

  Profile now(const std::string& name, const PprofParameters& parameters) {
    if (name == "goroutine") return mutator_profile(observed_->mutators());
    if (name == "threadcreate") return thread_profile();
    std::lock_guard turn(symbols_);
    if (name == "block") return wait_profile(observed_->wait_samples(), Waits::kOthers);
    if (name == "mutex") return wait_profile(observed_->wait_samples(), Waits::kLocks);
    const char* shown = name == "heap" ? "inuse_space" : "alloc_space";
    return heap_profile(observed_->heap_samples(), shown, parameters.hide_runtime);
  }

  std::string text(const std::string& name, const PprofParameters& parameters) {
    if (name == "goroutine" && parameters.debug >= 2) return mutators_text(observed_->mutators());
    if (name == "goroutine" || name == "threadcreate")
      return count_text(name, now(name, parameters));
    if (name == "block" || name == "mutex") return contention_text(name, now(name, parameters));
    std::lock_guard turn(symbols_);
    return heap_text(observed_->heap_samples(), observed_->snapshot());
  }

  ObservedRuntimes* const observed_;
  std::mutex tracing_;
  std::mutex symbols_;  // one reads debugging information at a time
};

Handler checked(Handler handler) {
  return [handler = std::move(handler)](const Request& request) -> Response {
    try {
      return handler(request);
    } catch (const runtime::ProfileError& error) {
      return failure(500, std::string("Could not enable CPU profiling: ") + error.what());
    } catch (const BadParameter& error) {
      return failure(400, error.what());
    }
  };
}

}  // namespace

void add_pprof_routes(DebugServer* server, ObservedRuntimes* observed) {
  const auto routes = std::make_shared<Routes>(observed);
  const auto add = [&](const std::string& name, Handler handler) {
    server->get(kRoot + name, checked(std::move(handler)));
  };
  server->get(kRoot, [observed](const Request& request) -> Response {
    if (request.path != kRoot) return failure(404, "Unknown profile");
    return {.content_type = "text/html; charset=utf-8", .body = pprof_index_page(observed)};
  });
  server->get("/debug/pprof", [](const Request&) -> Response {
    return {.status = 301, .headers = {{"Location", kRoot}}};
  });
  add("cmdline", cmdline);
  add("symbol", [routes](const Request& request) { return routes->names(request); });
  add("profile", [routes](const Request& request) { return routes->cpu(request); });
  add("gc", [routes](const Request& request) { return routes->gc(request); });
  add("trace", [routes](const Request& request) { return routes->trace(request); });
  for (const char* name : {"heap", "allocs", "goroutine", "threadcreate", "block", "mutex"}) {
    add(name, [routes, name = std::string(name)](const Request& request) {
      return routes->state(name, request);
    });
  }
}

}  // namespace greyhound::serve
