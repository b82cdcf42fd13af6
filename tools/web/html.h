// SPDX-License-Identifier: MIT
// Pages of one file: script, style and data are within, nothing is fetched. A Content-Security-
// Policy in the page makes the browser hold it to that. Any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace greyhound::web {

struct Page {
  std::string title;
  std::string name;  // of its bundle: dist/NAME.js and dist/NAME.css
  // The script finds each as the text of <script type="application/json" id="...">. Strings that
  // are no UTF-8 get a replacement character where they are not.
  std::vector<std::pair<std::string, nlohmann::json>> data;
  // Served, and allowed to ask the server that it came from. A file may ask nobody.
  bool live = false;
};

// The page's HTML. To a file with write_whole_file (runtime/watch/pprof/whole_file.h).
std::string html_of(const Page& page);

}  // namespace greyhound::web
