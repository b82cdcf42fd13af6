// SPDX-License-Identifier: MIT
#include "tools/pprof/url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>
#include <vector>

#include "runtime/watch/pprof/whole_file.h"

namespace greyhound::pprof {
namespace {

constexpr size_t kLongestHost = 255;  // of the DNS
constexpr std::string_view kPlainScheme = "http", kSecureScheme = "https";

[[noreturn]] void refuse_url(const std::string& url, std::string_view why) {
  throw FileError(fmt::format("{}: {}", url, why));
}

// "http" of "HTTP://host/", "" where there is none.
std::string scheme_of(std::string_view text) {
  const size_t end = text.find_first_of(":/?#");
  if (end == std::string_view::npos || text[end] != ':') return {};
  std::string scheme(text.substr(0, end));
  std::ranges::transform(scheme, scheme.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : static_cast<char>(c);
  });
  return scheme;
}

uint16_t parse_port(const std::string& url, std::string_view text) {
  uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, port);
  if (parsed.ec != std::errc() || parsed.ptr != end || port == 0)
    refuse_url(url, "its port is no number from 1 to 65535");
  return port;
}

// "host", "host:6060", "[::1]:6060"
void parse_server(const std::string& url, std::string_view server, Url* to) {
  std::string_view host = server, behind;
  if (server.starts_with('[')) {
    const size_t close = server.find(']');
    if (close == std::string_view::npos) refuse_url(url, "names no server: a ']' is missing");
    host = server.substr(1, close - 1);
    behind = server.substr(close + 1);
  } else if (const size_t colon = server.find(':'); colon != std::string_view::npos) {
    host = server.substr(0, colon);
    behind = server.substr(colon);
  }
  if (host.empty()) refuse_url(url, "names no server");
  const auto odd = [](unsigned char c) { return c <= ' ' || c == 0x7f || c == '@'; };
  if (host.size() > kLongestHost || std::ranges::any_of(host, odd) ||
      (!behind.empty() && behind.front() != ':'))
    refuse_url(url, "names no server that can be asked");
  to->host = host;
  if (behind.size() > 1) to->port = parse_port(url, behind.substr(1));
}

// "/a/./b/../c" is "/a/c"; the query stays as it is.
std::string without_dots(const std::string& path) {
  const size_t query = std::min(path.find('?'), path.size());
  std::vector<std::string_view> parts;
  std::string_view rest = std::string_view(path).substr(0, query);
  bool folder = false;
  while (!rest.empty()) {
    rest.remove_prefix(1);  // a slash
    const std::string_view part = rest.substr(0, rest.find('/'));
    rest.remove_prefix(part.size());
    folder = part == "." || part == "..";
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (!folder) parts.push_back(part);
  }
  std::string result;
  for (const std::string_view part : parts) result += fmt::format("/{}", part);
  if (folder || result.empty()) result += '/';
  return result + path.substr(query);
}

}  // namespace

std::string Url::server() const {
  const bool usual = port == (secure ? 443 : 80);
  const bool colons = host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}{}", secure ? kSecureScheme : kPlainScheme, colons ? "[" : "",
                     host, colons ? "]" : "", usual ? "" : fmt::format(":{}", port));
}

Url parse_url(const std::string& text) {
  const std::string scheme = scheme_of(text);
  if ((scheme != kPlainScheme && scheme != kSecureScheme) ||
      text.compare(scheme.size(), 3, "://") != 0)
    refuse_url(text, "is no address that begins with http:// or https://");
  Url url;
  url.secure = scheme == kSecureScheme;
  url.port = url.secure ? 443 : 80;
  const size_t host = scheme.size() + 3;
  const size_t path = std::min(text.find_first_of("/?#", host), text.size());
  parse_server(text, std::string_view(text).substr(host, path - host), &url);
  url.path = text.substr(path, text.find('#', path) - path);
  if (!url.path.starts_with('/')) url.path.insert(0, "/");
  return url;
}

Url redirected(const Url& base, const std::string& location) {
  if (!scheme_of(location).empty()) return parse_url(location);
  if (location.starts_with("//"))
    return parse_url(fmt::format("{}:{}", base.secure ? kSecureScheme : kPlainScheme, location));
  const std::string part = location.substr(0, location.find('#'));
  const std::string here = base.path.substr(0, base.path.find('?'));
  Url url = base;
  if (part.empty()) return url;
  if (part.starts_with('?')) {
    url.path = here + part;
  } else if (part.starts_with('/')) {
    url.path = without_dots(part);
  } else {
    url.path = without_dots(here.substr(0, here.rfind('/') + 1) + part);
  }
  return url;
}

}  // namespace greyhound::pprof
