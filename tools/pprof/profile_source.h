// SPDX-License-Identifier: MIT
// Where `greyhound pprof` takes a profile from: a file, "-" for standard input, or a server's
// address, as http://127.0.0.1:6060/debug/pprof/heap. All of them are read up to a limit in bytes,
// and a server up to one in time.
#pragma once

#include <string>

#include "runtime/watch/pprof/profile.h"

namespace greyhound::pprof {

// Throws FileError with a sentence that names the source.
Profile read_source(const std::string& source);

// As a title has it: the file's name without its folder, "stdin", or what a URL asks for.
std::string source_name(const std::string& source);

}  // namespace greyhound::pprof
