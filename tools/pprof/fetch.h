// SPDX-License-Identifier: MIT
// A profile from a server: one GET, by cpp-httplib. Any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace greyhound::pprof {

// What is read of any source; of a server's answer, of its body.
inline constexpr size_t kMostSourceBytes = size_t{512} << 20;

// The body of the answer. The whole of it may take `patience`, and as long again as the URL's
// seconds= asks the server to measure, and half of that. Throws FileError with a sentence that
// names the URL: for whom nobody answers, who answers with an error, too slowly, or without an end.
std::string fetch(const std::string& url,
                  std::chrono::milliseconds patience = std::chrono::seconds(30));

}  // namespace greyhound::pprof
