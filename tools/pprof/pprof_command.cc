// SPDX-License-Identifier: MIT
#include "tools/pprof/pprof_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>

#include "tools/pprof/hide_runtime.h"
#include "tools/pprof/view.h"

namespace greyhound::pprof {
namespace {

constexpr int kExitUsage = 2;

const char* const kFooter =
    "A profile is what `greyhound lab --heapprofile FILE` writes, or Go's runtime/pprof; `go tool "
    "pprof`\n"
    "reads the same files. With two files, the difference: what the second has more than the "
    "first.\n"
    "\n"
    "Examples:\n"
    "  greyhound lab --only X1 --heapprofile heap.pb.gz   where the boxes are made\n"
    "  greyhound pprof heap.pb.gz --sample-type alloc_space\n"
    "  greyhound pprof heap.pb.gz --tree --tag arm='write any 1000+'\n"
    "  greyhound pprof heap.pb.gz --folded | flamegraph.pl > heap.svg";

std::vector<std::pair<std::string, std::string>> parse_tags(const std::vector<std::string>& texts) {
  std::vector<std::pair<std::string, std::string>> tags;
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

StackView view_of_file(const std::string& path, const ViewOptions& options, bool hide) {
  Profile profile = read_file(path);
  if (hide) hide_runtime(&profile);
  try {
    return view_of(profile, options);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(fmt::format("{}: {}", path, error.what()));
  }
}

StackView chosen_view(const PprofOptions& options) {
  const ViewOptions wanted{options.sample_type, parse_tags(options.tags)};
  if (options.files.size() == 1)
    return view_of_file(options.files[0], wanted, options.hide_runtime);
  const StackView before = view_of_file(options.files[0], wanted, options.hide_runtime);
  const StackView after = view_of_file(options.files[1], wanted, options.hide_runtime);
  try {
    return difference(before, after);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(
        fmt::format("{} and {}: {}", options.files[0], options.files[1], error.what()));
  }
}

}  // namespace

CLI::App* add_pprof_command(CLI::App* app, PprofOptions* options) {
  CLI::App* pprof = app->add_subcommand("pprof", "Show a profile, or what two differ in");
  pprof->add_option("FILE", options->files, "A profile; two: before and after")->expected(0, 2);
  const auto add_flag = [pprof](const char* name, bool* value, const char* help) {
    pprof->add_flag(name, *value, help)->disable_flag_override();
  };
  add_flag("--top", &options->top, "By function (the default)");
  add_flag("--tree", &options->tree, "By call, as a tree");
  add_flag("--folded", &options->folded, "A line a stack, for flamegraph.pl and speedscope");
  add_flag("--hide-runtime", &options->hide_runtime,
           "Without the innermost runtime.* frames, as Go shows its heap profiles");
  pprof->add_option("--sample-type", options->sample_type, "What to count, as in alloc_space")
      ->type_name("NAME");
  pprof->add_option("--tag", options->tags, "Only samples with this label; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  pprof->add_option("--lines", options->lines, "How many functions of --top; 0: all")
      ->type_name("N");
  pprof->footer(kFooter);
  return pprof;
}

int run_pprof(const PprofOptions& options) try {
  if (options.files.empty())
    throw std::runtime_error("needs a file, as in greyhound pprof heap.pb.gz");
  if (options.top + options.tree + options.folded > 1)
    throw std::runtime_error("--top, --tree and --folded exclude one another");
  const size_t lines = parse_lines(options.lines);
  const StackView view = chosen_view(options);
  fmt::print("{}", options.tree     ? format_tree(view)
                   : options.folded ? format_folded(view)
                                    : format_top(view, lines));
  return 0;
} catch (const std::runtime_error& error) {
  fmt::print(stderr, "greyhound pprof: {}\n", error.what());
  return kExitUsage;
}

}  // namespace greyhound::pprof
