// SPDX-License-Identifier: MIT
// The options of `greyhound callsites` and what it prints.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace greyhound::callsites {

struct CallsitesOptions {
  std::vector<std::string> functions;
  std::string binary;  // empty: the running program itself
  bool json = false;
};

// `options` must outlive the parse.
CLI::App* add_callsites_command(CLI::App* app, CallsitesOptions* options);

// Gives the exit status: 0, or 2 for a function or a file that is none.
int run_callsites(const CallsitesOptions& options);

}  // namespace greyhound::callsites
