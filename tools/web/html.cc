// SPDX-License-Identifier: MIT
#include "tools/web/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "runtime/base/check.h"
#include "tools/web/assets.h"

namespace greyhound::web {
namespace {

constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "connect-src {}; base-uri 'none'; form-action 'none'";

std::string text_of_html(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

// "</script>" and "<!--" within a string would end the element; JSON has another way to write '<',
// which stands in strings only.
std::string script_of_data(const std::string& id, const nlohmann::json& value) {
  const std::string json = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::string escaped;
  escaped.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      escaped += "\\u003c";
    } else {
      escaped += c;
    }
  }
  return fmt::format("<script type=\"application/json\" id=\"{}\">{}</script>\n", text_of_html(id),
                     escaped);
}

}  // namespace

std::string html_of(const Page& page) {
  std::string data;
  for (const auto& [id, value] : page.data) data += script_of_data(id, value);
  const std::pair<std::string_view, std::string> parts[] = {
      {"policy", fmt::format(kPolicy, page.live ? "'self'" : "'none'")},
      {"title", text_of_html(page.title)},
      {"style", std::string(asset(page.name + ".css"))},
      {"licenses", text_of_html(asset("LICENSES.txt"))},
      {"data", std::move(data)},
      {"script", std::string(asset(page.name + ".js"))},
  };
  // One pass over the frame: what a part holds is not looked at again.
  std::string_view frame = asset("page.html");
  std::string html;
  while (!frame.empty()) {
    const size_t open = std::min(frame.find("{{"), frame.size());
    html += frame.substr(0, open);
    frame.remove_prefix(open);
    if (frame.empty()) break;
    const size_t close = frame.find("}}");
    const std::string_view name = frame.substr(2, close - 2);
    for (const auto& [key, text] : parts) {
      if (key == name) html += text;
    }
    frame.remove_prefix(close + 2);
  }
  return html;
}

}  // namespace greyhound::web
