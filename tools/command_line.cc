// SPDX-License-Identifier: MIT
#include "tools/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "gc/os_memory.h"
#include "runtime/base/nearest.h"
#include "tools/callsites/callsites_command.h"
#include "tools/experiments/lab_command.h"
#include "tools/experiments/machine.h"
#include "tools/pprof/pprof_command.h"
#include "tools/serve/serve_command.h"

namespace greyhound {
namespace {

constexpr int kExitUsage = 2;
constexpr int kExitFailed = 1;

const char* const kDescription =
    "greyhound: a small managed runtime (concurrent tri-color collector, Go-style maps and "
    "interfaces),\n"
    "and the tools that measure with it.";
const char* const kFooter =
    "Start with\n"
    "  greyhound lab --quick       what boxing, an escaping variable and marking cost, in under 20 "
    "s\n"
    "  greyhound COMMAND --help    what a command does";

int usage_error(const std::string& message) {
  fmt::print(stderr, "{}\n", message);
  return kExitUsage;
}

// "greyhound" or "greyhound lab".
std::string full_name(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name()
                                     : full_name(*app.get_parent()) + " " + app.get_name();
}

// Every way to spell an option of `app`.
std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

std::string nearest_of(std::string_view word, const std::vector<std::string>& names) {
  const std::vector<std::string_view> views(names.begin(), names.end());
  return std::string(nearest(word, views));
}

bool has_option(const CLI::App& app, const std::string& name) {
  const std::vector<std::string> names = option_names(app);
  return std::ranges::find(names, name) != names.end();
}

std::string unknown_option(const CLI::App& app, const std::string& name) {
  for (const CLI::App* command : app.get_subcommands({})) {
    if (!has_option(*command, name)) continue;
    return fmt::format("{}: '{}' goes behind its command: {} {}", full_name(app), name,
                       full_name(*command), name);
  }
  return fmt::format("{}: unknown option '{}'; the nearest is '{}'", full_name(app), name,
                     nearest_of(name, option_names(app)));
}

// What to say of a word that nothing takes.
std::string not_understood(const CLI::App& app, const std::string& word) {
  if (word.starts_with("-")) return unknown_option(app, word.substr(0, word.find('=')));
  std::vector<std::string> commands;
  for (const CLI::App* command : app.get_subcommands({})) commands.push_back(command->get_name());
  if (!commands.empty()) {
    return fmt::format("{}: unknown command '{}'; the nearest is '{}'", full_name(app), word,
                       nearest_of(word, commands));
  }
  if (app.get_name() == "lab") return lab::unexpected_word(word);
  const bool takes_some =
      std::ranges::any_of(app.get_options(), [](auto* option) { return option->get_positional(); });
  return fmt::format("{}: unexpected argument '{}'; {}", full_name(app), word,
                     takes_some ? full_name(app) + " --help shows what it takes" : "it takes none");
}

// The subcommand that was being read when something was not understood.
const CLI::App& innermost(const CLI::App& app) {
  const std::vector<CLI::App*> used = app.get_subcommands();
  return used.empty() ? app : *used.back();
}

// In our words what CLI11 says as "--only: 1 required TEXT missing" and "quick was given a ...".
std::string bad_value(const CLI::App& app, const CLI::ParseError& error) {
  const std::string text = error.what();
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    const std::string option = text.substr(0, text.find_first_of(": "));
    return option.starts_with("-") ? fmt::format("{}: {} needs a value; {} --help shows which",
                                                 full_name(app), option, full_name(app))
                                   : fmt::format("{}: --{} takes no value", full_name(app), option);
  }
  return fmt::format("{}: {}", full_name(app), text.substr(0, text.find('\n')));
}

int print_version() {
  fmt::print("greyhound {} ({}, {}, memory: {})\n", GREYHOUND_VERSION, GREYHOUND_BUILD_TYPE,
             lab::this_machine().compiler, gc::memory_source());
  return 0;
}

int run(int argc, char** argv) {
  CLI::App app(kDescription, "greyhound");
  app.footer(kFooter);
  app.require_subcommand(0, 1);
  lab::LabOptions lab_options;
  CLI::App* lab = lab::add_lab_command(&app, &lab_options);
  pprof::PprofOptions pprof_options;
  CLI::App* pprof = pprof::add_pprof_command(&app, &pprof_options);
  callsites::CallsitesOptions callsites_options;
  CLI::App* callsites = callsites::add_callsites_command(&app, &callsites_options);
  serve::ServeOptions serve_options;
  CLI::App* serve = serve::add_serve_command(&app, &serve_options);
  CLI::App* version = app.add_subcommand("version", "Print the version");
  app.allow_extras();
  for (CLI::App* command : app.get_subcommands({})) command->allow_extras();

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return 0;
  } catch (const CLI::ParseError& error) {
    return usage_error(bad_value(innermost(app), error));
  }
  for (const CLI::App* read : {&innermost(app), static_cast<const CLI::App*>(&app)}) {
    if (const std::vector<std::string> extra = read->remaining(); !extra.empty()) {
      return usage_error(not_understood(*read, extra.front()));
    }
  }
  if (lab->parsed()) return lab::run_lab(lab_options);
  if (pprof->parsed()) return pprof::run_pprof(pprof_options);
  if (callsites->parsed()) return callsites::run_callsites(callsites_options);
  if (serve->parsed()) return serve::run_serve(serve_options);
  if (version->parsed()) return print_version();
  fmt::print("{}", app.help());
  return 0;
}

}  // namespace

int run_command_line(int argc, char** argv) try {
  return run(argc, argv);
} catch (const std::bad_alloc&) {
  fmt::print(stderr, "greyhound: out of memory\n");
  return kExitFailed;
} catch (const std::exception& error) {
  fmt::print(stderr, "greyhound: {}\n", error.what());
  return kExitFailed;
}

}  // namespace greyhound
