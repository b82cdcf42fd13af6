// SPDX-License-Identifier: MIT
#include "tools/callsites/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>

#include "tools/common/plain_text.h"

namespace greyhound::callsites {
namespace {

using Json = nlohmann::ordered_json;
using pprof::plain_text;

// As short as it can be and still be opened from here.
std::string place_text(const Step& step) {
  if (step.file.empty()) return "?";
  std::error_code error;
  const std::filesystem::path here = std::filesystem::current_path(error);
  std::string file = step.file;
  const std::string prefix = here.string() + "/";
  if (!error && file.starts_with(prefix)) file.erase(0, prefix.size());
  return fmt::format("{}:{}", plain_text(file), step.line);
}

std::string callee_text(const Site& site) {
  if (site.kind == SiteKind::kPointer) return "(through a pointer)";
  return plain_text(site.callee) + (site.kind == SiteKind::kInlined ? " (inlined)" : "");
}

std::string name_text(const Step& step) {
  return plain_text(step.function) + (step.inlined ? " (inlined)" : "");
}

// From the function down to the allocation: a line a call, each with the place of the next.
std::string way_text(const Site& site, size_t number) {
  size_t width = 0;
  for (const Step& step : site.path) width = std::max(width, place_text(step).size());
  std::string out;
  for (size_t i = 0; i < site.path.size(); ++i) {
    out += fmt::format("  {:>3}  {:<{}}  {}\n", i == 0 ? std::to_string(number) : "",
                       place_text(site.path[i]), width, name_text(site.path[i]));
  }
  return out + fmt::format("       {:<{}}  {}\n", "", width, callee_text(site));
}

// The place and what is called there, and the functions with code of their own on the way there.
std::string place_line(const Site& site) {
  const auto is_own = [](const Step& step) { return !step.function.starts_with("std::"); };
  const auto own = std::find_if(site.path.rbegin(), site.path.rend(), is_own);
  const Step& last = own == site.path.rend() ? site.path.back() : *own;
  std::string way;
  for (size_t i = 1; i < site.path.size(); ++i) {
    const Step& step = site.path[i];
    if (!step.inlined && step.function != last.function) way += plain_text(step.function) + " > ";
  }
  return fmt::format("  {}  {}{}: {}\n", place_text(last), way, plain_text(last.function),
                     callee_text(site));
}

bool allocates(const Site& site) {
  return site.kind == SiteKind::kCall || site.kind == SiteKind::kInlined;
}

std::string ways(const Report& report) {
  std::string out;
  size_t number = 0;
  for (const Site& site : report.allocating) out += way_text(site, ++number);
  return out.empty() ? "" : "\nhow it allocates\n" + out;
}

template <class Chosen>
std::string list(const Report& report, const std::string& title, Chosen chosen) {
  constexpr size_t kMost = 8;
  std::string lines;
  size_t count = 0;
  for (const Site& site : report.sites) {
    if (chosen(site) && !site.path.empty() && ++count <= kMost) lines += place_line(site);
  }
  if (count > kMost) lines += fmt::format("  and {} more (--json has them)\n", count - kMost);
  return lines.empty() ? "" : "\n" + title + "\n" + lines;
}

// The function with code of its own that a way ends in, and what is inlined there.
std::span<const Step> end_of(const Site& site) {
  const std::span<const Step> path(site.path);
  const auto own = std::ranges::find_if(path.rbegin(), path.rend(),
                                        [](const Step& step) { return !step.inlined; });
  return own == path.rend() ? path : path.last(static_cast<size_t>(own - path.rbegin()) + 1);
}

// An allocation that none of the shortest ways ends at.
bool is_further(const Report& report, const Site& site) {
  if (!allocates(site) || site.only_to_panic) return false;
  return std::ranges::none_of(report.allocating, [&](const Site& shown) {
    return std::ranges::equal(end_of(shown), end_of(site));
  });
}

std::string counted(size_t count, const char* noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string verdict(const Report& report) {
  std::string out = report.allocating.empty()
                        ? "No call of it reaches an allocation"
                        : fmt::format("{} of it can reach an allocation",
                                      counted(report.allocating.size(), "call"));
  if (const size_t pointers = report.count(SiteKind::kPointer, false); pointers != 0)
    out += fmt::format("; {} through a pointer, which could lead anywhere",
                       pointers == 1 ? "1 call goes" : fmt::format("{} calls go", pointers));
  return out + ".";
}

const char* kind_name(SiteKind kind) {
  switch (kind) {
    case SiteKind::kCall:
      return "call";
    case SiteKind::kInlined:
      return "inlined";
    case SiteKind::kOffHeap:
      return "off_heap";
    case SiteKind::kPointer:
      return "pointer";
  }
  return "";
}

Json sites_json(const std::vector<Site>& sites) {
  Json out = Json::array();
  for (const Site& site : sites) {
    Json path = Json::array();
    for (const Step& step : site.path) {
      path.push_back({{"function", step.function},
                      {"file", step.file},
                      {"line", step.line},
                      {"inlined", step.inlined}});
    }
    out.push_back({{"kind", kind_name(site.kind)},
                   {"callee", site.callee},
                   {"address", fmt::format("{:#x}", site.address)},
                   {"only_to_panic", site.only_to_panic},
                   {"path", std::move(path)}});
  }
  return out;
}

}  // namespace

std::string format_text(const Report& report, const std::string& binary) {
  std::string out =
      fmt::format("{}, {}\n{} Read: {}.\n", plain_text(report.function.name), plain_text(binary),
                  verdict(report), counted(report.searched, "function"));
  out += ways(report);
  out += list(report, "further allocations it can reach",
              [&](const Site& s) { return is_further(report, s); });
  out += list(report, "allocations only on the way to a panic",
              [](const Site& s) { return allocates(s) && s.only_to_panic; });
  out += list(report, "calls through a pointer: their targets are not in the code",
              [](const Site& s) { return s.kind == SiteKind::kPointer && !s.only_to_panic; });
  out += list(report, "memory off the collected heap (malloc, operator new)",
              [](const Site& s) { return s.kind == SiteKind::kOffHeap && !s.only_to_panic; });
  std::string imports;
  for (const std::string& import : report.imports)
    imports += (imports.empty() ? "" : ", ") + plain_text(import);
  if (!imports.empty()) out += "\nfunctions of other files, not read: " + imports + "\n";
  if (report.grows_stack)
    out += "\nIt may have to grow the goroutine's stack first (runtime.morestack), not counted.\n";
  if (report.undecoded != 0)
    out += fmt::format("\n{} bytes of code were not understood.\n", report.undecoded);
  return out;
}

std::string format_json(const Report& report, const std::string& binary) {
  const Json document = {{"schema_version", 1},
                         {"binary", binary},
                         {"function", report.function.name},
                         {"symbol", report.function.symbol},
                         {"allocating_calls", sites_json(report.allocating)},
                         {"pointer_calls", report.count(SiteKind::kPointer, false)},
                         {"functions_read", report.searched},
                         {"undecoded_bytes", report.undecoded},
                         {"grows_stack", report.grows_stack},
                         {"imports", report.imports},
                         {"sites", sites_json(report.sites)}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace greyhound::callsites
