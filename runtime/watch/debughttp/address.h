// SPDX-License-Identifier: MIT
// Where the debug server listens: a loopback address and a port. What it shows is for whoever sits
// at the machine; from elsewhere one comes by ssh -L.
#pragma once

#include <cstdint>
#include <string>

namespace greyhound::serve {

struct ListenAddress {
  std::string host;  // "127.0.0.1" (or another of 127/8), or "::1"
  uint16_t port = 0;

  // "127.0.0.1:6060", "[::1]:6060"
  std::string to_string() const;
};

// Reads ADDR:PORT, ADDR, :PORT or PORT, where ADDR may be localhost; without a port it is 6060.
// Throws AddressError (debug_server.h).
ListenAddress parse_address(const std::string& text);

}  // namespace greyhound::serve
