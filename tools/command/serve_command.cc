// SPDX-License-Identifier: MIT
#include "tools/command/serve_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "runtime/runtime.h"
#include "runtime/watch/debughttp/debug_server.h"
#include "runtime/watch/debughttp/observed_runtimes.h"
#include "runtime/watch/pprof/whole_file.h"
#include "tools/command/demo_workload.h"
#include "tools/command/interrupt.h"
#include "tools/common/plain_text.h"
#include "tools/common/standard_streams.h"
#include "tools/experiments/observed_scope.h"

namespace greyhound::serve {
namespace {

constexpr int kExitUsage = 2;

const char* const kFooter =
    "Runs a workload (a map[string]any that is written to, binary trees) and shows it:\n"
    "  http://127.0.0.1:6060/debug/pprof/   profiles; go tool pprof reads them from there\n"
    "  http://127.0.0.1:6060/metrics        for Prometheus\n"
    "  http://127.0.0.1:6060/debug/gc       the collector, as JSON\n"
    "Ctrl-C ends it, with exit status 0.\n"
    "\n"
    "Examples:\n"
    "  greyhound serve 127.0.0.1:0\n"
    "  GREYHOUND_GC=50 GREYHOUND_DEBUG=gctrace=1 greyhound serve\n"
    "  go tool pprof -top http://127.0.0.1:6060/debug/pprof/heap";

int usage_error(const char* message) {
  say("greyhound serve: {}\n", pprof::plain_text(message));
  return kExitUsage;
}

// Fills in what the environment says. False when some of it is not understood: the runtime would
// say so as well, but go on.
bool read_environment(runtime::Options* options) {
  const std::vector<std::string> errors = runtime::apply_environment(options);
  for (const std::string& error : errors) usage_error(error.c_str());
  options->use_environment = false;
  return errors.empty();
}

}  // namespace

CLI::App* add_serve_command(CLI::App* app, ServeOptions* options) {
  CLI::App* serve =
      app->add_subcommand("serve", "Run a workload, and show it by HTTP until interrupted");
  serve->add_option("address", options->address, "Where to listen: ADDR:PORT, loopback only")
      ->type_name("[ADDR:PORT]");
  serve
      ->add_option("--metrics-compat", options->metrics_compat,
                   "go: /metrics has the names of Go's client as well")
      ->type_name("go");
  serve->footer(kFooter);
  return serve;
}

bool wants_go_metrics(const std::string& compat) {
  if (compat.empty() || compat == "go") return !compat.empty();
  throw OptionError(fmt::format("--metrics-compat is go, not '{}'", compat));
}

int run_serve(const ServeOptions& options) try {
  ServerOptions server_options;
  if (!options.address.empty()) server_options.address = options.address;
  server_options.go_metrics = wants_go_metrics(options.metrics_compat);
  runtime::Options runtime_options;
  if (!read_environment(&runtime_options)) return kExitUsage;
  require_standard_output();
  if (runtime_options.mem_profile_rate == 0) runtime_options.mem_profile_rate = kUsualProfileRate;

  Interrupt interrupt;  // before any thread
  ObservedRuntimes observed;
  DebugServer server(&observed, server_options);
  runtime::Runtime runtime(runtime_options);
  runtime.set_wait_profile_rate(kUsualWaitRate);
  observed.add(runtime);
  server.start();
  print_out(fmt::format("serving on {}/ until interrupted (Ctrl-C)\n", server.url()));
  flush_out();
  {
    const DemoWorkload workload(&runtime);
    interrupt.wait();
  }
  server.stop();
  observed.remove(runtime);
  return 0;
} catch (const AddressError& error) {
  return usage_error(error.what());
} catch (const OptionError& error) {
  return usage_error(error.what());
} catch (const FileError& error) {
  return usage_error(error.what());
}

}  // namespace greyhound::serve
