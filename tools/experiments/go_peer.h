// SPDX-License-Identifier: MIT
// The Go side: finds a Go, builds the program of go/ with it once, and runs an arm of it a process.
// The built program is kept in a cache folder, by Go's version and the program's source: in the
// build tree when the command runs from one, else in $XDG_CACHE_HOME/greyhound (or
// ~/.cache/greyhound).
//
// What goes wrong is a sentence; recorded figures then take Go's place, or the lab ends where the
// Go was asked for by name.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/experiments/figures.h"
#include "tools/experiments/progress.h"

namespace greyhound::lab {

class GoPeer {
 public:
  // The first Go on the PATH, else the newest of Debian's versioned ones; empty when there is none.
  static std::string find();
  // The program that `name` means to a shell, as an absolute path; empty when there is none.
  static std::string named(const std::string& name);

  // Builds with the Go at `program`; on failure gives nothing and says why in *failure.
  static std::optional<GoPeer> build(const std::string& program, Progress* progress,
                                     std::string* failure);

  const std::string& version() const { return version_; }  // "go1.26.8"

  const std::string& program() const { return program_; }  // the built program's file
  const std::string& folder() const { return folder_; }    // where it is run

  // One repetition of an arm; on failure gives nothing and says why in *failure.
  std::optional<Measurement> run(const std::string& arm, uint64_t ops, std::string* failure) const;

 private:
  std::string version_;
  std::string folder_;   // where the sources and the program are
  std::string program_;  // the built one
};

// One gctrace line of Go's.
struct GcTraceLine {
  double mark_ms = 0;      // wall
  double mark_cpu_ms = 0;  // assists, background and idle workers
  double assist_ms = 0;    // of them, assists
};
std::optional<GcTraceLine> parse_gctrace(std::string_view line);

}  // namespace greyhound::lab
