// SPDX-License-Identifier: MIT
// Debug flags: one table (flags.def), read from GREYHOUND_DEBUG="key=value,key=value" as Go reads
// GODEBUG, except that an unknown key or a value that is no whole number (nor a word that the key
// takes) is reported, not ignored.
// A runtime copies the flags when it is made; they do not change afterwards, so reads need no lock.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace greyhound {

inline constexpr int64_t kGctraceJson = -1;  // gctrace=json

struct DebugFlags {
#define GREYHOUND_FLAG(name, default_value, help) int64_t name = default_value;
#include "runtime/base/flags.def"
#undef GREYHOUND_FLAG
};

struct FlagInfo {
  std::string_view name;
  int64_t default_value;
  std::string_view help;
};

// Every row of flags.def, in its order.
const std::vector<FlagInfo>& all_flags();

// Applies `text` ("a=1,b=2"; spaces around commas allowed, a bare key means 1) to `flags`. Returns
// one sentence per entry that was not understood, each naming the entry and the nearest valid key;
// the entries that were understood are applied all the same.
std::vector<std::string> parse_debug_flags(std::string_view text, DebugFlags* flags);

// "512MiB", "1GiB", "64KiB", "1073741824" or "1073741824B" as bytes, as Go's GOMEMLIMIT; false when
// not understood.
bool parse_bytes(std::string_view text, uint64_t* bytes);

}  // namespace greyhound
