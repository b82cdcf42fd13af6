// SPDX-License-Identifier: MIT
#include "tools/command/callsites_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "tools/callsites/report.h"
#include "tools/common/plain_text.h"
#include "tools/common/standard_streams.h"
#include "tools/common/terminal.h"

namespace greyhound::callsites {
namespace {

using pprof::plain_text;

constexpr int kExitUsage = 2;

const char* const kFooter =
    "Reads the program's machine code and its debug information; nothing is run. An allocation is\n"
    "a call of mallocgc, or code of its fast path that was inlined. Calls through a pointer are\n"
    "listed, since the code does not say where they go. Go's programs can be read as well.\n"
    "\n"
    "Examples:\n"
    "  greyhound callsites mapaccess1_fast64       reading a map: no allocation\n"
    "  greyhound callsites mapassign_fast64        writing to one: where it can allocate\n"
    "  greyhound callsites runtime.mapaccess1_fast64 --binary ./a-go-program";

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + plain_text(name);
  return out;
}

// Throws std::runtime_error where `name` is that of none or of several.
const Function& only_function(const Binary& binary, const std::string& name) {
  const std::vector<const Function*> found = functions_named(binary, name);
  if (found.empty() && name.starts_with("0x"))
    throw std::runtime_error(
        fmt::format("no function begins at {} in {}", plain_text(name), plain_text(binary.path())));
  if (found.empty()) {
    throw std::runtime_error(
        fmt::format("no function '{}' in {} (it may be inlined everywhere); "
                    "there is {}",
                    plain_text(name), plain_text(binary.path()), joined(names_like(binary, name))));
  }
  if (found.size() == 1) return *found.front();
  constexpr size_t kMost = 20;
  std::string list;
  for (size_t i = 0; i < std::min(found.size(), kMost); ++i)
    list += fmt::format("\n  {:#x}  {}", found[i]->address, plain_text(found[i]->symbol));
  if (found.size() > kMost) list += fmt::format("\n  and {} more", found.size() - kMost);
  throw std::runtime_error(
      fmt::format("'{}' is the name of {} functions of {}; give the address "
                  "or the symbol of one:{}",
                  plain_text(name), found.size(), plain_text(binary.path()), list));
}

std::string path_of_this_program() {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "/proc/self/exe" : path.string();
}

}  // namespace

CLI::App* add_callsites_command(CLI::App* app, CallsitesOptions* options) {
  CLI::App* callsites =
      app->add_subcommand("callsites", "Which allocations a function can reach, by its code");
  callsites->add_option("FUNCTION", options->functions, "As profiles name it, or its symbol")
      ->expected(0, -1);
  callsites
      ->add_option("--binary", options->binary, "The program to read; without it, greyhound itself")
      ->type_name("FILE");
  callsites->add_flag("--json", options->json, "Print JSON")->disable_flag_override();
  callsites->footer(kFooter);
  return callsites;
}

int run_callsites(const CallsitesOptions& options) try {
  if (options.functions.empty() || options.functions.front().empty())
    throw std::runtime_error("needs a function, as in greyhound callsites mapaccess1_fast64");
  if (options.functions.size() > 1)
    throw std::runtime_error(
        fmt::format("takes one function, not '{}' as well", plain_text(options.functions[1])));
  require_standard_output();
  const Binary binary(options.binary.empty() ? path_of_this_program() : options.binary);
  const Report report = search(binary, only_function(binary, options.functions.front()));
  const std::string text = format_text(report, binary.path());
  print_out(options.json           ? format_json(report, binary.path())
            : prints_to_terminal() ? fitted(text, page_columns())
                                   : text);
  flush_out();
  return 0;
} catch (const std::runtime_error& error) {
  say("greyhound callsites: {}\n", error.what());
  return kExitUsage;
}

}  // namespace greyhound::callsites
