// SPDX-License-Identifier: MIT
#include "tools/command/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gc/memory/os_memory.h"
#include "runtime/base/nearest.h"
#include "runtime/watch/pprof/whole_file.h"
#include "tools/command/callsites_command.h"
#include "tools/command/lab_command.h"
#include "tools/command/pprof_command.h"
#include "tools/command/serve_command.h"
#include "tools/common/plain_text.h"
#include "tools/common/standard_streams.h"
#include "tools/common/terminal.h"
#include "tools/experiments/experiment.h"
#include "tools/experiments/machine.h"

namespace greyhound {
namespace {

constexpr int kExitUsage = 2;
constexpr int kExitFailed = 1;

const char* const kDescription =
    "greyhound: a small managed runtime (concurrent tri-color collector, Go-style maps and "
    "interfaces), and the tools that measure with it.";
const std::string kFooter = fmt::format(
    "Start with\n"
    "  greyhound lab --quick       what boxing, an escaping variable and marking cost, in under "
    "{} s\n"
    "  greyhound COMMAND --help    what a command does",
    lab::kQuickSeconds);

// What was typed is text to show, as are files' names.
int usage_error(const std::string& message) {
  say("{}\n", pprof::plain_text(message));
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
    if (const CLI::Option* given = app.get_option_no_throw(option);
        given != nullptr && given->results().size() > 1) {
      const std::vector<std::string>& values = given->results();
      return fmt::format("{}: {} is given more than once, with '{}' and '{}'; it takes one value",
                         full_name(app), option, values[0], values[1]);
    }
    return option.starts_with("-") ? fmt::format("{}: {} needs a value; {} --help shows which",
                                                 full_name(app), option, full_name(app))
                                   : fmt::format("{}: --{} takes no value", full_name(app), option);
  }
  return fmt::format("{}: {}", full_name(app), text.substr(0, text.find('\n')));
}

// Values are words, numbers and files: none may be empty. An option whose value may be left out has
// an empty one then.
std::optional<std::string> empty_value(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_expected_max() == 0 || option->get_items_expected_min() == 0) continue;
    for (const std::string& value : option->results()) {
      if (!value.empty()) continue;
      return fmt::format("{}: {} needs a value, not ''; {} --help shows which", full_name(app),
                         option->get_name(), full_name(app));
    }
  }
  return std::nullopt;
}

int print_version() {
  print_out(fmt::format("greyhound {} ({}, {}, memory: {})\n", GREYHOUND_VERSION,
                        GREYHOUND_BUILD_TYPE, lab::this_machine().compiler, gc::memory_source()));
  flush_out();
  return 0;
}

int print_help(const CLI::App& app) {
  print_out(fitted(app.help(), page_columns()));
  flush_out();
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
  bool wants_version = false;
  app.add_flag("--version", wants_version, "Print the version")->disable_flag_override();
  app.allow_extras();
  for (CLI::App* command : app.get_subcommands({})) command->allow_extras();

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return print_help(app);
  } catch (const CLI::ParseError& error) {
    return usage_error(bad_value(innermost(app), error));
  }
  for (const CLI::App* read : {&innermost(app), static_cast<const CLI::App*>(&app)}) {
    if (const std::vector<std::string> extra = read->remaining(); !extra.empty()) {
      return usage_error(not_understood(*read, extra.front()));
    }
    if (const std::optional<std::string> message = empty_value(*read)) return usage_error(*message);
  }
  if (wants_version) return print_version();
  if (lab->parsed()) return lab::run_lab(lab_options);
  if (pprof->parsed()) return pprof::run_pprof(pprof_options);
  if (callsites->parsed()) return callsites::run_callsites(callsites_options);
  if (serve->parsed()) return serve::run_serve(serve_options);
  if (version->parsed()) return print_version();
  return print_help(app);
}

}  // namespace

int run_command_line(int argc, char** argv) try {
  return run(argc, argv);
} catch (const ReaderGone&) {
  return kExitNoReader;
} catch (const FileError& error) {
  return usage_error(std::string("greyhound: ") + error.what());
} catch (const std::bad_alloc&) {
  say("greyhound: out of memory\n");
  return kExitFailed;
} catch (const std::exception& error) {
  say("greyhound: {}\n", pprof::plain_text(error.what()));
  return kExitFailed;
}

}  // namespace greyhound
