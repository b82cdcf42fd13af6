// SPDX-License-Identifier: MIT
// Addresses of profiles on servers, as http://127.0.0.1:6060/debug/pprof/heap, and where a
// redirection leads to: RFC 3986, as far as a GET needs it. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace greyhound::pprof {

struct Url {
  bool secure = false;  // https
  std::string host;     // without the brackets of an IPv6 address
  uint16_t port = 0;
  std::string path;  // with its query, and at least "/"

  // "http://[::1]:6060"
  std::string server() const;
};

// Throws FileError, with a sentence that names it, for what is none.
Url parse_url(const std::string& text);

// What `location`, an address or a part of one, means in an answer of `base`. Throws as above.
Url redirected(const Url& base, const std::string& location);

}  // namespace greyhound::pprof
