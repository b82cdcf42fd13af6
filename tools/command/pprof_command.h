// SPDX-License-Identifier: MIT
// `greyhound pprof`: its options, and showing profiles.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace greyhound::pprof {

struct PprofOptions {
  std::vector<std::string> files;
  bool top = false;
  bool tree = false;
  bool folded = false;
  bool hide_runtime = false;
  std::string sample_type;
  std::vector<std::string> tags;
  std::string lines = "20";
  std::string html;
  std::string highlight;
};

// Adds the subcommand to `app`. `options` must outlive it.
CLI::App* add_pprof_command(CLI::App* app, PprofOptions* options);

// Prints what the options ask for, or writes it as a page; gives the exit status: 0, or 2 for bad
// usage, files that are no profiles and files that cannot be written, with a line on stderr.
int run_pprof(const PprofOptions& options);

}  // namespace greyhound::pprof
