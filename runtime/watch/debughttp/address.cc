// SPDX-License-Identifier: MIT
#include "runtime/watch/debughttp/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "runtime/watch/debughttp/debug_server.h"

namespace greyhound::serve {
namespace {

constexpr uint16_t kUsualPort = 6060;  // as Go's documentation has it

[[noreturn]] void not_understood(const std::string& text) {
  throw AddressError(
      fmt::format("'{}' is no address to listen on; write ADDR:PORT, as in 127.0.0.1:6060 (port 0 "
                  "takes a free one)",
                  text));
}

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

std::optional<uint16_t> port_of(std::string_view text) {
  uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, port);
  if (!all_digits(text) || parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return port;
}

// The address as it is bound; throws when it is not one of this machine's own.
std::string loopback_host(const std::string& host, const std::string& text) {
  if (host.empty() || host == "localhost") return "127.0.0.1";
  in_addr v4{};
  in6_addr v6{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    if (ntohl(v4.s_addr) >> 24 == 127) return host;
  } else if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) {
    if (IN6_IS_ADDR_LOOPBACK(&v6)) return "::1";
  } else {
    not_understood(text);
  }
  throw AddressError(
      fmt::format("'{}' is not a loopback address, and the debug server listens on no other; use "
                  "127.0.0.1:PORT, and ssh -L to reach it from elsewhere",
                  text));
}

}  // namespace

std::string ListenAddress::to_string() const {
  return host.find(':') == host.npos ? fmt::format("{}:{}", host, port)
                                     : fmt::format("[{}]:{}", host, port);
}

ListenAddress parse_address(const std::string& text) {
  std::string host = text, port;
  if (all_digits(text)) {
    host.clear();
    port = text;
  } else if (text.starts_with("[")) {
    const size_t close = text.find(']');
    if (close == text.npos) not_understood(text);
    host = text.substr(1, close - 1);
    port = text.substr(close + 1);
    if (host.empty() || (!port.empty() && port.size() < 2) || (!port.empty() && port[0] != ':'))
      not_understood(text);
    if (!port.empty()) port.erase(0, 1);
  } else if (const size_t colon = text.find(':');
             colon != text.npos && text.find(':', colon + 1) == text.npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (port.empty()) not_understood(text);
  }
  const std::optional<uint16_t> number = port.empty() ? kUsualPort : port_of(port);
  if (!number) not_understood(text);
  return {loopback_host(host, text), *number};
}

}  // namespace greyhound::serve
