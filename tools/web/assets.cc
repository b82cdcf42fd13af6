// SPDX-License-Identifier: MIT
// tools/CMakeLists.txt tells the build that this file changes with those in dist/.
#include "tools/web/assets.h"

#include "runtime/base/check.h"
#include "tools/common/embed.h"

GREYHOUND_EMBED(greyhound_web_page_html, "tools/web/dist/page.html");
GREYHOUND_EMBED(greyhound_web_licenses, "tools/web/dist/LICENSES.txt");
GREYHOUND_EMBED(greyhound_web_flame_js, "tools/web/dist/flame.js");
GREYHOUND_EMBED(greyhound_web_flame_css, "tools/web/dist/flame.css");
GREYHOUND_EMBED(greyhound_web_lab_js, "tools/web/dist/lab.js");
GREYHOUND_EMBED(greyhound_web_lab_css, "tools/web/dist/lab.css");

namespace greyhound::web {
namespace {

struct Asset {
  std::string_view name;
  const char* begin;
  const char* end;
};

#define GREYHOUND_ASSET(FILE, NAME) \
  Asset { FILE, NAME, NAME##_end }

const Asset kAssets[] = {
    GREYHOUND_ASSET("page.html", greyhound_web_page_html),
    GREYHOUND_ASSET("LICENSES.txt", greyhound_web_licenses),
    GREYHOUND_ASSET("flame.js", greyhound_web_flame_js),
    GREYHOUND_ASSET("flame.css", greyhound_web_flame_css),
    GREYHOUND_ASSET("lab.js", greyhound_web_lab_js),
    GREYHOUND_ASSET("lab.css", greyhound_web_lab_css),
};

}  // namespace

std::string_view asset(std::string_view name) {
  for (const Asset& entry : kAssets) {
    if (entry.name == name) return {entry.begin, static_cast<size_t>(entry.end - entry.begin)};
  }
  fatal("tools/web/assets.cc embeds no such file");
}

}  // namespace greyhound::web
