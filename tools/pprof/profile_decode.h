// SPDX-License-Identifier: MIT
// Profiles from their file format (runtime/watch/pprof/profile.h writes it): a protocol buffer,
// gzipped or not, of whose sender nothing is known. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "runtime/watch/pprof/profile.h"

namespace greyhound::pprof {

// Throws FormatError, and nothing else but std::bad_alloc, whatever the bytes are.
Profile decode(std::string_view bytes);

// Throws FileError.
Profile read_file(const std::string& path);

}  // namespace greyhound::pprof
