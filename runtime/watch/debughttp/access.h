// SPDX-License-Identifier: MIT
// Who may ask what: the checks of a request's headers, apart from the server so that each can be
// tested. A loopback address keeps other machines out, not other web sites: a page of theirs in a
// browser on this machine can send requests here, and read the answers if its host's name is made
// to resolve to 127.0.0.1. So the Host must be a loopback one, and what changes anything asks for a
// token that only the one who started the server knows.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace greyhound::serve {

// What a request says of itself. `hosts` is how many Host headers it has.
struct Claims {
  size_t hosts = 0;
  std::string host;
  std::string origin;
  bool has_origin = false;
  std::string fetch_site;  // Sec-Fetch-Site and -Mode, which browsers send
  std::string fetch_mode;
  std::string token;
};

// Empty, or why not: a sentence for the client.
struct Refusal {
  int status = 0;  // 0: none
  std::string why;
};

// "localhost", "127.0.0.1", "[::1]" and other addresses of 127/8, with or without a port.
bool is_loopback_host(std::string_view host);

Refusal check_read(const Claims& claims);
// Beyond what reads need: the token, and from a browser no origin but http://HOST.
Refusal check_control(const Claims& claims, std::string_view token);

// 128 random bits, as 32 hexadecimal digits.
std::string random_token();

}  // namespace greyhound::serve
