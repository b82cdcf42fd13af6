// SPDX-License-Identifier: MIT
// Files that hold a profile in another format than profile.proto's, by how they begin.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "runtime/watch/pprof/profile.h"

namespace greyhound::pprof {

// What the file is, and what makes a profile of it.
class OtherFormat : public FormatError {
 public:
  using FormatError::FormatError;
};

// Throws OtherFormat when `bytes` are of one that is known.
void refuse_other_formats(std::string_view bytes);

}  // namespace greyhound::pprof
