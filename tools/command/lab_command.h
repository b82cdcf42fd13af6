// SPDX-License-Identifier: MIT
// `greyhound lab`: its options, and running it.
#pragma once

#include <string>

#include "runtime/watch/pprof/profile_files.h"

namespace CLI {
class App;
}

namespace greyhound::lab {

struct LabOptions {
  bool list = false;
  std::string only;
  bool quick = false;
  bool json = false;
  std::string reps;
  std::string go = "auto";
  pprof::ProfileNames profiles;
  std::string serve;  // an address; empty: no server
  std::string metrics_compat;
  std::string trace;  // a file
  std::string html;   // a file
};

inline constexpr int kExitHolds = 0;
inline constexpr int kExitSignDidNotHold = 1;
inline constexpr int kExitUsage = 2;

// Adds the subcommand to `app`. `options` must outlive it.
CLI::App* add_lab_command(CLI::App* app, LabOptions* options);

// What to say of a word that stands behind `lab` without an option.
std::string unexpected_word(const std::string& word);

// Runs what the options ask for; gives the exit status. Writes usage errors to stderr, a line each.
// Throws ReaderGone (tools/common/standard_streams.h).
int run_lab(const LabOptions& options);

}  // namespace greyhound::lab
