// SPDX-License-Identifier: MIT
#include "tools/command/lab_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <sstream>

#include "runtime/base/nearest.h"
#include "runtime/runtime.h"
#include "runtime/watch/debughttp/debug_server.h"
#include "runtime/watch/pprof/whole_file.h"
#include "tools/command/lab_server.h"
#include "tools/command/serve_command.h"
#include "tools/common/plain_text.h"
#include "tools/common/standard_streams.h"
#include "tools/common/terminal.h"
#include "tools/common/text_table.h"
#include "tools/experiments/report.h"
#include "tools/experiments/subprocess.h"
#include "tools/experiments/trace_sink.h"
#include "tools/page/lab_page.h"
#include "tools/page/page_run.h"

namespace greyhound::lab {
namespace {

constexpr size_t kMostRepetitions = 1000;
constexpr uint64_t kGcProfileRate = 16 << 10;

struct UsageError {
  std::string message;
};

const char* const kFooter =
    "Each experiment compares treatments with a control. Verdicts rest on counts (allocations, "
    "bytes, cycles, objects greyed, words scanned, barrier hits, objects found, call sites), which "
    "repeat from run to run; times are shown with their spread. Where a Go is found, the same work "
    "runs there too; the first run builds that program, which takes some seconds more.\n"
    "\n"
    "Exit status: 0 every expected sign held, 1 one did not, 2 usage, a file that cannot be "
    "written, or a Go that was asked for and fails.\n"
    "\n"
    "Environment:\n"
    "  GREYHOUND_DEBUG=gctrace=1   a line for each cycle on stderr, in Go's format\n"
    "  GREYHOUND_GC=PERCENT|off    how much the heap may grow between cycles, as GOGC\n"
    "  GREYHOUND_MEMLIMIT=SIZE     what the collector tries to stay under, as GOMEMLIMIT\n"
    "  NO_COLOR=1                  no highlighting\n"
    "\n"
    "Examples:\n"
    "  greyhound lab --only X1                  where boxes are made\n"
    "  greyhound lab --quick --json > lab.json  everything, for a program\n"
    "  GREYHOUND_DEBUG=gctrace=1 greyhound lab --only X15";

const std::string kQuickHelp = fmt::format(
    "Less work, fewer repetitions: all of it in some {} s of a free machine's time", kQuickSeconds);

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string_view nearest_experiment(const std::string& name) {
  std::vector<std::string_view> ids;
  for (const Experiment& experiment : all_experiments()) ids.push_back(experiment.id);
  return nearest(upper(name), ids);
}

const Experiment& experiment_named(const std::string& name) {
  for (const Experiment& experiment : all_experiments()) {
    if (experiment.id == upper(name)) return experiment;
  }
  throw UsageError{fmt::format("unknown experiment '{}'; the nearest is '{}' (--list names them)",
                               name, nearest_experiment(name))};
}

std::string obstacle_of(const Experiment& experiment, const LabOptions& options) {
  const bool profiled = !options.profiles.cpu.empty() || !options.profiles.gc.empty();
  if (experiment.own_cpu_profile && profiled)
    return "it makes CPU profiles itself, and there is one at a time; leave out --cpuprofile and "
           "--gcprofile";
  return experiment.obstacle ? experiment.obstacle() : "";
}

// Of all, those that can be run here; the others are named on stderr.
bool can_run(const Experiment& experiment, const LabOptions& options) {
  const std::string obstacle = obstacle_of(experiment, options);
  if (!obstacle.empty()) say("greyhound lab: {} is left out: {}\n", experiment.id, obstacle);
  return obstacle.empty();
}

// Between the commas, without spaces around them.
std::vector<std::string> names_in(const std::string& list) {
  std::vector<std::string> names;
  if (list.empty()) return names;
  std::istringstream words(list + ",");
  for (std::string word; std::getline(words, word, ',');) {
    const size_t begin = std::min(word.find_first_not_of(" \t"), word.size());
    names.push_back(word.substr(begin, word.find_last_not_of(" \t") + 1 - begin));
  }
  return names;
}

// In the order of the list, each once, however they were named.
std::vector<const Experiment*> chosen_experiments(const LabOptions& options) {
  std::vector<const Experiment*> named;
  for (const std::string& name : names_in(options.only)) {
    if (name.empty()) {
      throw UsageError{fmt::format(
          "--only needs experiments with a comma between them, as in --only X1,X9, not '{}'",
          options.only)};
    }
    named.push_back(&experiment_named(name));
  }
  for (const Experiment* experiment : named) {
    if (const std::string obstacle = obstacle_of(*experiment, options); !obstacle.empty())
      throw UsageError{fmt::format("{} cannot be run here: {}", experiment->id, obstacle)};
  }
  std::vector<const Experiment*> chosen;
  for (const Experiment& experiment : all_experiments()) {
    const bool wanted = named.empty() ? can_run(experiment, options)
                                      : std::ranges::find(named, &experiment) != named.end();
    if (wanted) chosen.push_back(&experiment);
  }
  return chosen;
}

std::optional<size_t> repetitions(const std::string& text) {
  if (text.empty()) return std::nullopt;
  size_t value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end || value == 0 || value > kMostRepetitions) {
    throw UsageError{
        fmt::format("--reps needs a whole number from 1 to {}, not '{}'", kMostRepetitions, text)};
  }
  return value;
}

// What the runtimes would complain of, once and before anything runs.
bool report_environment() {
  runtime::Options options;
  const std::vector<std::string> errors = runtime::apply_environment(&options);
  for (const std::string& error : errors) say("greyhound lab: {}\n", pprof::plain_text(error));
  return errors.empty();
}

std::vector<std::pair<std::string, std::string>> environment_settings() {
  std::vector<std::pair<std::string, std::string>> settings;
  for (const char* name : {"GREYHOUND_GC", "GREYHOUND_MEMLIMIT", "GREYHOUND_DEBUG"}) {
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0')
      settings.emplace_back(name, value);
  }
  return settings;
}

bool asks_for_go(const LabOptions& options) { return options.go != "auto" && options.go != "off"; }

// Fills in where Go's figures come from. A Go that was asked for must be one.
std::optional<GoPeer> prepare_go(const std::string& which, Progress* progress, std::string* note) {
  constexpr const char* kRecorded =
      "the figures shown were recorded with Go 1.19.8 on another machine";
  if (which == "off") {
    *note = fmt::format("not run (--go off): {}", kRecorded);
    return std::nullopt;
  }
  const std::string program = which == "auto" ? GoPeer::find() : GoPeer::named(which);
  if (program.empty()) {
    *note = fmt::format("not found: {}", kRecorded);
    return std::nullopt;
  }
  std::string failure;
  std::optional<GoPeer> go = GoPeer::build(program, progress, &failure);
  progress->clear();
  if (!go && which != "auto") throw UsageError{fmt::format("--go {}: {}", which, failure)};
  *note = go ? fmt::format("{}, the same work in turn with Greyhound's", go->version())
             : fmt::format("found, but {}: {}", failure, kRecorded);
  return go;
}

void list_experiments(const std::vector<const Experiment*>& chosen) {
  const size_t page = page_columns();
  for (const Experiment* experiment : chosen)
    print_out(wrapped(fmt::format("{:<5}", experiment->id), experiment->title, page));
  flush_out();
}

bool wants_color() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return prints_to_terminal() && (no_color == nullptr || *no_color == '\0') &&
         terminal != nullptr && std::string_view(terminal) != "dumb";
}

// This program as it was called, with the settings that figures depend on, and `only`.
std::string experiments_command(const LabOptions& options, const std::string& only) {
  std::string command;
  for (const auto& [name, value] : environment_settings())
    command += name + "=" + shell_word(value) + " ";
  command += program_as_called() + " lab";
  if (!only.empty()) command += " --only " + shell_word(only);
  if (options.quick) command += " --quick";
  if (!options.reps.empty()) command += " --reps " + options.reps;
  if (options.go != "auto") command += " --go " + shell_word(options.go);
  return command;
}

// What makes the page again.
std::string page_command(const LabOptions& options) {
  return experiments_command(options, options.only) +
         (options.html.empty() ? " --serve" : " --html " + shell_word(options.html));
}

// What a page needs of a run that is over.
struct Ran {
  nlohmann::ordered_json report;
  std::string go_note;
  std::optional<GoPeer> go;
};

// After the run, so that its own profiles and traces are not in the way of the page's.
void make_page(const LabOptions& options, const Settings& settings, const Ran& ran,
               LabServer* server) {
  Progress progress(progress_wanted());
  page::LabPage page =
      page::measure_page(settings, ran.go ? &*ran.go : nullptr, ran.go_note, &progress);
  page.report = ran.report;
  page.command = page_command(options);
  page.experiments = experiments_command(options, "");
  if (!options.html.empty()) {
    write_whole_file(options.html, page::lab_page_html(page, false));
    if (!options.json) print_out(fmt::format("the page: {}\n", pprof::plain_text(options.html)));
    flush_out();
  }
  if (server != nullptr) server->show(page);
}

// What was asked for and could not be had.
void require_go_figures(const LabOptions& options, const std::vector<ExperimentResult>& results) {
  for (const ExperimentResult& result : results) {
    if (result.go_failure.empty()) continue;
    throw UsageError{fmt::format("--go {}: in {} {}; its figures are recorded ones", options.go,
                                 result.experiment->id, result.go_failure)};
  }
}

int run_chosen(const LabOptions& options, const std::vector<const Experiment*>& chosen,
               const Settings& settings, Ran* ran) {
  Progress progress(progress_wanted());
  RunInfo info{this_machine(), settings, environment_settings(), {}};
  std::optional<GoPeer> go = prepare_go(options.go, &progress, &info.go_note);
  const Paper paper{wants_color(), page_columns()};
  if (!options.json) print_header(info, paper);
  std::vector<ExperimentResult> results;
  for (const Experiment* experiment : chosen) {
    results.push_back(run_experiment(*experiment, settings, go ? &*go : nullptr, &progress));
    progress.clear();
    if (!options.json) print_experiment(results.back(), paper);
  }
  if (options.json) {
    print_json(info, results);
  } else {
    print_summary(results, paper);
  }
  *ran = {report_document(info, results), info.go_note, std::move(go)};
  if (asks_for_go(options)) require_go_figures(options, results);
  const bool holds =
      std::ranges::all_of(results, [](const auto& result) { return result.judgement.holds; });
  return holds ? kExitHolds : kExitSignDidNotHold;
}

// The same, with --trace if it is wanted.
int run_traced(const LabOptions& options, const std::vector<const Experiment*>& chosen,
               const Settings& settings, Ran* ran) {
  if (options.trace.empty()) return run_chosen(options, chosen, settings, ran);
  const trace::TraceSink sink;
  const int status = run_chosen(options, chosen, settings, ran);
  write_whole_file(options.trace, sink.json());
  if (sink.left_out() != 0) {
    say("greyhound lab: {} holds the first {} events and more; {} later runtimes are not in it: "
        "name fewer experiments with --only, or fewer --reps\n",
        pprof::plain_text(options.trace), trace::TraceSink::kMostEvents, sink.left_out());
  }
  return status;
}

int run_profiled(const LabOptions& options, const std::vector<const Experiment*>& chosen,
                 const Settings& settings, Ran* ran) {
  if (!options.profiles.any()) return run_traced(options, chosen, settings, ran);
  pprof::ProfileNames names = options.profiles;
  // Every object where the heap is asked about: the counts are then exact. Shares of marking need
  // fewer.
  names.heap_rate = names.heap.empty() ? kGcProfileRate : 1;
  pprof::ProfileFiles files(std::move(names));
  const int status = run_traced(options, chosen, settings, ran);
  files.write();
  return status;
}

// Before anything runs: an hour's work is not to end in a file that cannot be written, or that
// another one replaces.
void check_files(const LabOptions& options, const std::vector<const Experiment*>& chosen) {
  std::vector<OutputFile> files = pprof::output_files(options.profiles);
  const bool sides = std::ranges::any_of(chosen, [](const Experiment* x) { return x->two_sides; });
  if (sides && !options.profiles.heap.empty()) {
    for (OutputFile& file : pprof::heap_side_files(options.profiles.heap))
      files.push_back(std::move(file));
  }
  files.push_back({"--html", options.html});
  files.push_back({"--trace", options.trace});
  check_outputs(files);
  require_standard_output();
  for (const OutputFile& file : files) {
    // By another name it would take the place of what is printed; /dev/stdout is added to it.
    if (file.path.empty() || file.path.starts_with("/dev/") || file.path.starts_with("/proc/") ||
        !same_file(file.path, "/dev/stdout"))
      continue;
    throw UsageError{fmt::format("{} {} is where the tables go; give it a file of its own",
                                 file.option, file.path)};
  }
}

void check_options(const LabOptions& options) {
  if (asks_for_go(options) && GoPeer::named(options.go).empty()) {
    throw UsageError{
        fmt::format("--go needs auto, off or the path of a go command, not '{}'", options.go)};
  }
  serve::wants_go_metrics(options.metrics_compat);
  if (!options.metrics_compat.empty() && options.serve.empty())
    throw UsageError{"--metrics-compat is for what --serve shows; add --serve"};
}

}  // namespace

CLI::App* add_lab_command(CLI::App* app, LabOptions* options) {
  CLI::App* lab =
      app->add_subcommand("lab", "Measure what garbage collection hides, experiment by experiment");
  const auto add_flag = [lab](const char* name, bool* value, const char* help) {
    lab->add_flag(name, *value, help)->disable_flag_override();
  };
  const auto add_option = [lab](const char* name, std::string* value, const char* type,
                                const char* help) {
    lab->add_option(name, *value, help)->type_name(type);
  };
  add_flag("--list", &options->list, "Name the experiments and stop");
  add_option("--only", &options->only, "IDS", "Run these experiments only, as in X1,X9");
  add_flag("--quick", &options->quick, kQuickHelp.c_str());
  add_flag("--json", &options->json, "Print JSON (docs/lab.schema.json) instead of tables");
  add_option("--reps", &options->reps, "N", "Repetitions of each arm, whatever time they take");
  add_option("--go", &options->go, "WHICH",
             "The Go to compare with: auto, off, or the path of a go command");
  pprof::ProfileNames& profiles = options->profiles;
  add_option("--heapprofile", &profiles.heap, "FILE",
             "Write where every object was allocated, for greyhound pprof and go tool pprof");
  add_option("--cpuprofile", &profiles.cpu, "FILE", "Write where processor time was spent");
  add_option("--gcprofile", &profiles.gc, "FILE",
             "Write what marking, assists, barriers and evacuation cost, by who caused it");
  add_option("--blockprofile", &profiles.block, "FILE",
             "Write where the runtime's threads waited for locks, handshakes and cycles");
  add_flag("--hide-runtime", &profiles.hide_runtime,
           "Leave the runtime's own frames out of the profiles of heap and CPU, as Go does");
  lab->add_option("--serve", options->serve,
                  "Show the runtimes by HTTP meanwhile, and afterwards until interrupted; "
                  "127.0.0.1:6060 unless said otherwise, loopback only")
      ->type_name("[ADDR:PORT]")
      ->expected(0, 1)
      ->default_str(serve::ServerOptions().address);
  add_option("--metrics-compat", &options->metrics_compat, "go",
             "With --serve: /metrics has the names of Go's client as well");
  add_option("--html", &options->html, "FILE",
             "Write the lab page: one file with all figures, a heap to step through, flame graphs");
  add_option("--trace", &options->trace, "FILE",
             "Write what each thread did for the collector and when, for Perfetto or speedscope");
  lab->footer(kFooter);
  return lab;
}

std::string unexpected_word(const std::string& word) {
  return fmt::format("greyhound lab: unexpected argument '{}'; the nearest is '--only {}'", word,
                     nearest_experiment(word));
}

int run_lab(const LabOptions& options) try {
  const std::vector<const Experiment*> chosen = chosen_experiments(options);
  const Settings settings{options.quick, repetitions(options.reps)};
  check_options(options);
  if (options.list) {
    list_experiments(chosen);
    return kExitHolds;
  }
  if (!report_environment()) return kExitUsage;
  check_files(options, chosen);
  std::optional<LabServer> server;
  if (!options.serve.empty()) server.emplace(options.serve, options.metrics_compat);
  Ran ran;
  const int status = run_profiled(options, chosen, settings, &ran);
  if (!options.html.empty() || server)
    make_page(options, settings, ran, server ? &*server : nullptr);
  if (server) server->serve_until_interrupted();
  return status;
} catch (const UsageError& error) {
  say("greyhound lab: {}\n", pprof::plain_text(error.message));
  return kExitUsage;
} catch (const std::bad_alloc&) {
  throw;
} catch (const std::runtime_error& error) {  // of the profiles, of the server's address
  say("greyhound lab: {}\n", pprof::plain_text(error.what()));
  return kExitUsage;
}

}  // namespace greyhound::lab
