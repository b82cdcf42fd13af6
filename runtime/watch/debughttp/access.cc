// SPDX-License-Identifier: MIT
#include "runtime/watch/debughttp/access.h"

#include <arpa/inet.h>
#include <sys/random.h>

#include <system_error>

namespace greyhound::serve {
namespace {

// Takes the same time wherever the two differ.
bool same_secret(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  return difference == 0;
}

// A site that is not ours asked, and not by a link that somebody followed.
bool from_another_site(const Claims& claims) {
  return (claims.fetch_site == "cross-site" || claims.fetch_site == "same-site") &&
         claims.fetch_mode != "navigate";
}

}  // namespace

bool is_loopback_host(std::string_view host) {
  std::string name(host);
  std::string port = "0";
  if (name.starts_with("[")) {
    const size_t close = name.find(']');
    if (close == name.npos) return false;
    if (close + 1 != name.size()) port = name.substr(close + 1);
    name.erase(close + 1);
    if (port != "0") {
      if (!port.starts_with(":")) return false;
      port.erase(0, 1);
    }
  } else if (const size_t colon = name.find(':'); colon != name.npos) {
    port = name.substr(colon + 1);
    name.erase(colon);
  }
  if (port.empty() || port.find_first_not_of("0123456789") != port.npos) return false;
  in_addr v4{};
  if (inet_pton(AF_INET, name.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  return name == "localhost" || name == "[::1]";
}

Refusal check_read(const Claims& claims) {
  if (claims.hosts != 1) return {400, "a request needs one Host header"};
  if (!is_loopback_host(claims.host)) {
    return {403, "this server answers to localhost, 127.0.0.1 and [::1] only, not to '" +
                     claims.host + "'"};
  }
  if (from_another_site(claims)) return {403, "another site asked"};
  return {};
}

Refusal check_control(const Claims& claims, std::string_view token) {
  if (Refusal refusal = check_read(claims); refusal.status != 0) return refusal;
  if (claims.has_origin && claims.origin != "http://" + claims.host)
    return {403, "a control is for pages of this server, not of '" + claims.origin + "'"};
  if (!same_secret(claims.token, token)) {
    return {403,
            "a control needs the header X-Greyhound-Token, with the token from the address that "
            "was printed when the server started"};
  }
  return {};
}

std::string random_token() {
  unsigned char bytes[16];
  if (getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes))
    throw std::system_error(errno, std::generic_category(), "getrandom");
  std::string token;
  for (const unsigned char byte : bytes) {
    token += "0123456789abcdef"[byte >> 4];
    token += "0123456789abcdef"[byte & 15];
  }
  return token;
}

}  // namespace greyhound::serve
