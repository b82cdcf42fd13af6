// SPDX-License-Identifier: MIT
// `greyhound serve`: a workload that runs until it is interrupted, and a debug server to watch it
// by.
#pragma once

#include <stdexcept>
#include <string>

namespace CLI {
class App;
}

namespace greyhound::serve {

struct ServeOptions {
  std::string address;
  std::string metrics_compat;
};

// Adds the subcommand to `app`. `options` must outlive it.
CLI::App* add_serve_command(CLI::App* app, ServeOptions* options);

// Serves until SIGINT, SIGTERM or SIGHUP; gives the exit status. Writes usage errors to stderr, a
// line each.
int run_serve(const ServeOptions& options);

// An option's value that is not understood: a sentence.
class OptionError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Whether --metrics-compat asks for Go's names. Throws OptionError for what is neither empty nor
// "go".
bool wants_go_metrics(const std::string& compat);

}  // namespace greyhound::serve
