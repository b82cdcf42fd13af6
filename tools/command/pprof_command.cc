// SPDX-License-Identifier: MIT
#include "tools/command/pprof_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <regex>
#include <set>

#include "runtime/watch/pprof/hide_runtime.h"
#include "runtime/watch/pprof/whole_file.h"
#include "tools/common/plain_text.h"
#include "tools/common/standard_streams.h"
#include "tools/pprof/flame_data.h"
#include "tools/pprof/profile_source.h"
#include "tools/pprof/tag_filter.h"
#include "tools/pprof/text_report.h"
#include "tools/pprof/view.h"
#include "tools/web/html.h"

namespace greyhound::pprof {
namespace {

constexpr int kExitUsage = 2;

const char* const kFooter =
    "A profile is what `greyhound lab --heapprofile FILE` writes, or Go's\n"
    "runtime/pprof; `go tool pprof` reads the same files. With two, the difference:\n"
    "what the second has more than the first.\n"
    "\n"
    "Examples:\n"
    "  greyhound lab --only X1 --heapprofile heap.pb.gz   where the boxes are made\n"
    "  greyhound pprof heap.pb.gz --sample-type alloc_space\n"
    "  greyhound pprof heap.pb.gz --tree --tag arm='write any 1000+'\n"
    "  greyhound pprof http://localhost:6060/debug/pprof/heap --tag bytes=1kB:1MB\n"
    "  greyhound pprof before.pb.gz after.pb.gz --html flame.html --highlight convT\n"
    "  greyhound pprof heap.pb.gz --folded | flamegraph.pl > heap.svg";

Tags parse_tags(const std::vector<std::string>& texts) {
  Tags tags;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos)
      throw std::runtime_error(fmt::format("--tag needs KEY=VALUE, not '{}'", text));
    tags.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return tags;
}

size_t parse_lines(const std::string& text) {
  size_t lines = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, lines);
  if (parsed.ec != std::errc() || parsed.ptr != end)
    throw std::runtime_error(fmt::format("--lines needs a whole number (0: all), not '{}'", text));
  return lines;
}

Profile profile_of(const std::string& source, bool hide) {
  Profile profile = read_source(source);
  if (hide) hide_runtime(&profile);
  return profile;
}

// What matches nothing is more often a slip than a finding.
void note_without_match(const std::string& source, const Profile& profile, const Tags& tags) {
  const std::vector<TagFilter> filters = filters_of(tags);
  if (filters.empty() ||
      std::ranges::any_of(profile.samples, [&](const Sample& s) { return all_match(filters, s); }))
    return;
  std::string asked;
  for (const auto& [key, value] : tags) asked += fmt::format(" --tag {}={}", key, value);
  const std::string keys = tag_keys(profile);
  const std::string note = fmt::format("{}: no sample matches{}; {}", source, asked,
                                       keys.empty() ? "it has no tags" : "its tags are: " + keys);
  say("greyhound pprof: {}\n", plain_text(note));
}

StackView view_of_source(const std::string& source, const ViewOptions& options, bool hide) {
  const Profile profile = profile_of(source, hide);
  if (!profile.all_frames.empty())
    say("greyhound pprof: {}\n", plain_text(fmt::format("{}: {}", source, profile.all_frames)));
  note_without_match(source, profile, options.tags);
  try {
    return view_of(profile, options);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(fmt::format("{}: {}", source, error.what()));
  }
}

StackView chosen_view(const PprofOptions& options) {
  const ViewOptions wanted{options.sample_type, parse_tags(options.tags)};
  if (options.files.size() == 1)
    return view_of_source(options.files[0], wanted, options.hide_runtime);
  const StackView before = view_of_source(options.files[0], wanted, options.hide_runtime);
  const StackView after = view_of_source(options.files[1], wanted, options.hide_runtime);
  try {
    return difference(before, after);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(
        fmt::format("{} and {}: {}", options.files[0], options.files[1], error.what()));
  }
}

std::string tree_of_files(const StackView& view, const std::vector<std::string>& files) try {
  return format_tree(view);
} catch (const std::runtime_error& error) {
  throw std::runtime_error(fmt::format("{}: {}", fmt::join(files, " and "), error.what()));
}

void check_highlight(const PprofOptions& options) {
  if (options.highlight.empty()) return;
  if (options.html.empty()) throw std::runtime_error("--highlight is for a page: add --html FILE");
  try {
    const std::regex checked(options.highlight, std::regex::ECMAScript);
  } catch (const std::regex_error&) {
    throw std::runtime_error(
        fmt::format("--highlight needs a regular expression, not '{}'", options.highlight));
  }
}

// A page can begin with one value of a key; and it never takes the place of a profile.
void check_page(const PprofOptions& options) {
  std::set<std::string> keys;
  for (const auto& [key, value] : parse_tags(options.tags)) {
    if (!keys.insert(key).second)
      throw std::runtime_error(fmt::format("--html takes one --tag of '{}', not two", key));
  }
  for (const std::string& path : options.files) {
    if (same_file(path == "-" ? "/dev/stdin" : path, options.html))
      throw std::runtime_error(fmt::format("--html {} would replace that profile", options.html));
  }
}

void write_page(const PprofOptions& options) {
  check_page(options);
  std::vector<NamedProfile> profiles;
  std::string title;
  for (const std::string& path : options.files) {
    profiles.push_back({source_name(path), profile_of(path, options.hide_runtime)});
    note_without_match(path, profiles.back().profile, parse_tags(options.tags));
    title += (title.empty() ? "" : " \u2192 ") + source_name(path);
  }
  const FlameOptions wanted{title, options.sample_type, parse_tags(options.tags),
                            options.highlight};
  const web::Page page{
      title + " \u2013 flame graph", "flame", {{"profile", flame_data(profiles, wanted)}}};
  write_whole_file(options.html, web::html_of(page));
}

}  // namespace

CLI::App* add_pprof_command(CLI::App* app, PprofOptions* options) {
  CLI::App* pprof = app->add_subcommand("pprof", "Show a profile, or what two differ in");
  pprof->add_option("FILE", options->files, "A file, -, http://...; two: before and after")
      ->expected(0, 2);
  const auto add_flag = [pprof](const char* name, bool* value, const char* help) {
    pprof->add_flag(name, *value, help)->disable_flag_override();
  };
  add_flag("--top", &options->top, "By function (the default)");
  add_flag("--tree", &options->tree, "By call, as a tree");
  add_flag("--folded", &options->folded, "A line a stack, for flamegraph.pl; two counts of two");
  add_flag("--hide-runtime", &options->hide_runtime,
           "Without the innermost runtime.* frames, as Go");
  pprof
      ->add_option("--sample-type", options->sample_type,
                   "What to count, as in alloc_space, or its place")
      ->type_name("NAME");
  pprof->add_option("--tag", options->tags, "Only samples with this; numbers: bytes=1kB:1MB")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  pprof->add_option("--lines", options->lines, "How many functions of --top; 0: all")
      ->type_name("N");
  pprof->add_option("--html", options->html, "Write a flame graph to FILE: one page, no network")
      ->type_name("FILE");
  pprof->add_option("--highlight", options->highlight, "Functions to highlight in the flame graph")
      ->type_name("REGEX");
  pprof->footer(kFooter);
  return pprof;
}

int run_pprof(const PprofOptions& options) try {
  if (options.files.empty())
    throw std::runtime_error("needs a file, as in greyhound pprof heap.pb.gz");
  if (options.top + options.tree + options.folded > 1)
    throw std::runtime_error("--top, --tree and --folded exclude one another");
  if (!options.html.empty() && (options.top || options.tree || options.folded))
    throw std::runtime_error("--html and --top, --tree or --folded exclude one another");
  if (std::ranges::count(options.files, "-") > 1)
    throw std::runtime_error("standard input, '-', is one profile, not two");
  if (options.html.empty()) {
    require_standard_output();
  } else {
    require_writable(options.html);
  }
  check_highlight(options);
  const size_t lines = parse_lines(options.lines);
  if (!options.html.empty()) {
    write_page(options);
    return 0;
  }
  const StackView view = chosen_view(options);
  print_out(options.tree     ? tree_of_files(view, options.files)
            : options.folded ? format_folded(view)
                             : format_top(view, lines));
  flush_out();
  return 0;
} catch (const std::runtime_error& error) {
  say("greyhound pprof: {}\n", plain_text(error.what()));
  return kExitUsage;
}

}  // namespace greyhound::pprof
