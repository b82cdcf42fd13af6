// SPDX-License-Identifier: MIT
#include "tools/experiments/go_peer.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tools/common/plain_text.h"
#include "tools/experiments/go_sources.h"
#include "tools/experiments/subprocess.h"

extern char** environ;

namespace greyhound::lab {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

constexpr seconds kVersionLimit{10};
constexpr seconds kBuildLimit{180};
constexpr seconds kRunLimit{120};
constexpr std::string_view kBegin = "lab: begin";
constexpr std::string_view kEnd = "lab: end";
constexpr std::string_view kUnfinished = "lab.";

// What users set for their own programs must not reach this one.
constexpr std::string_view kNotPassedOn[] = {"GOGC",       "GODEBUG",      "GOMEMLIMIT",
                                             "GOMAXPROCS", "GOEXPERIMENT", "GOROOT",
                                             "GOFLAGS",    "GOWORK",       "LD_PRELOAD"};

std::vector<std::string> go_environment(const std::string& cache) {
  std::vector<std::string> result = {
      "GOTOOLCHAIN=local", "GOPROXY=off",   "GOFLAGS=",         "GOWORK=off",
      "GO111MODULE=on",    "CGO_ENABLED=0", "GODEBUG=gctrace=1"};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    const auto is_name = [&](std::string_view other) { return name == other; };
    if (std::ranges::any_of(kNotPassedOn, is_name)) continue;
    if (std::ranges::any_of(result,
                            [&](std::string_view r) { return r.substr(0, r.find('=')) == name; }))
      continue;
    result.emplace_back(text);
  }
  const bool has_cache = std::getenv("GOCACHE") != nullptr ||
                         std::getenv("XDG_CACHE_HOME") != nullptr || std::getenv("HOME") != nullptr;
  if (!has_cache) result.push_back("GOCACHE=" + cache + "/go-build");
  return result;
}

bool can_execute(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && access(path.c_str(), X_OK) == 0;
}

std::string on_path(const std::string& name) {
  std::istringstream folders(std::getenv("PATH") != nullptr ? std::getenv("PATH") : "");
  std::error_code error;
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (!folder.empty() && can_execute(fs::path(folder) / name))
      return fs::absolute(fs::path(folder) / name, error);
  }
  return {};
}

// "go version go1.26.8 linux/amd64"
std::string version_of(const std::string& program, std::string* failure) {
  const Finished asked =
      run_program({program, "version"}, go_environment("/nonexistent"), "/", kVersionLimit);
  std::istringstream words(asked.out);
  std::string word, version;
  words >> word >> word >> version;
  if (!asked.ok || !version.starts_with("go")) {
    *failure = asked.ok ? "its version is not understood" : "`go version` " + asked.failure;
    return {};
  }
  return pprof::plain_text(version);
}

// FNV-1a of the sources: a changed program is another program.
uint64_t sources_hash() {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const GoSource& source : go_sources()) {
    for (const char c : source.text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
  }
  return hash;
}

fs::path cache_folder() {
  std::error_code error;
  const fs::path command = fs::read_symlink("/proc/self/exe", error);
  const fs::path build_tree = command.parent_path().parent_path();
  if (fs::exists(build_tree / "CMakeCache.txt", error)) return build_tree / "lab-go";
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache == '/') {
    return fs::path(cache) / "greyhound" / "lab-go";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
    return fs::path(home) / ".cache" / "greyhound" / "lab-go";
  }
  return fs::temp_directory_path(error) / fmt::format("greyhound-lab-go-{}", getuid());
}

bool write_sources(const fs::path& folder) {
  for (const GoSource& source : go_sources()) {
    std::ofstream file(folder / source.name, std::ios::binary);
    if (!file.write(source.text.data(), static_cast<std::streamsize>(source.text.size())).flush())
      return false;
  }
  return true;
}

// What labs that were interrupted have left: lab.N, where there is no process N any more.
void remove_abandoned(const fs::path& folder) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(kUnfinished)) continue;
    pid_t process = 0;
    const char* end = name.data() + name.size();
    const auto parsed = std::from_chars(name.data() + kUnfinished.size(), end, process);
    if (parsed.ec != std::errc() || parsed.ptr != end || process <= 0) continue;
    if (kill(process, 0) != 0 && errno == ESRCH) fs::remove(entry.path(), error);
  }
}

// What stands between the marks, mark by mark. Mark times are per pair of marks (X9 looks at
// several cycles, each in a pair of its own); CPU time is that of the last pair.
void add_mark_times(const std::string& err, Measurement* m) {
  std::istringstream lines(err);
  bool inside = false;
  std::optional<GcTraceLine> last;
  double cpu_ms = 0;
  double assist_ms = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line == kBegin) {
      inside = true;
      last.reset();
      cpu_ms = assist_ms = 0;
    } else if (line == kEnd) {
      inside = false;
      if (last) m->mark_ns.push_back(last->mark_ms * 1e6);
      m->mark_cpu_ns = static_cast<uint64_t>(cpu_ms * 1e6);
      m->assist_ns = static_cast<uint64_t>(assist_ms * 1e6);
    } else if (const auto trace = inside ? parse_gctrace(line) : std::nullopt; trace) {
      last = trace;
      cpu_ms += trace->mark_cpu_ms;
      assist_ms += trace->assist_ms;
    }
  }
}

std::optional<Measurement> parse_run(const Finished& finished) {
  const nlohmann::json row = nlohmann::json::parse(finished.out, nullptr, false);
  if (!row.is_object()) return std::nullopt;
  const auto number = [&row](const char* name) -> uint64_t {
    const auto field = row.find(name);
    return field != row.end() && field->is_number_unsigned() ? field->get<uint64_t>() : 0;
  };
  Measurement m;
  m.ops = number("ops");
  if (m.ops == 0) return std::nullopt;
  m.allocs = number("allocs");
  m.bytes = number("bytes");
  m.cycles = number("cycles");
  m.objects_live = number("live");
  if (m.cycles != 0) m.longest_hold_ns = number("longest_pause_ns");
  add_mark_times(finished.err, &m);
  if (const uint64_t elapsed = number("elapsed_ns"); elapsed != 0) {
    m.ns_per_op = {static_cast<double>(elapsed) / static_cast<double>(m.ops)};
  } else {
    for (const double ns : m.mark_ns) m.ns_per_op.push_back(ns / static_cast<double>(m.ops));
  }
  return m;
}

}  // namespace

std::string GoPeer::named(const std::string& name) {
  if (name.find('/') == name.npos) return on_path(name);
  std::error_code error;
  // It is run in another folder than this.
  return can_execute(name) ? fs::absolute(name, error).string() : "";
}

std::string GoPeer::find() {
  if (std::string go = on_path("go"); !go.empty()) return go;
  std::string newest;
  int newest_minor = -1;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator("/usr/lib", error)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("go-1.") || !can_execute(entry.path() / "bin" / "go")) continue;
    const int minor = std::atoi(name.c_str() + 5);
    if (minor > newest_minor) newest = entry.path() / "bin" / "go";
    newest_minor = std::max(newest_minor, minor);
  }
  return newest;
}

std::optional<GoPeer> GoPeer::build(const std::string& program, Progress* progress,
                                    std::string* failure) {
  GoPeer peer;
  peer.version_ = version_of(program, failure);
  if (peer.version_.empty()) return std::nullopt;
  const fs::path cache = cache_folder();
  const fs::path folder = cache / fmt::format("{}-{:016x}", peer.version_, sources_hash());
  peer.folder_ = folder;
  peer.program_ = folder / "lab";
  if (can_execute(peer.program_)) return peer;

  progress->show(fmt::format("lab: building the Go side with {} (once)", peer.version_));
  std::error_code error;
  fs::create_directories(folder, error);
  if (error || !write_sources(folder)) {
    *failure = "its program cannot be written to " + folder.string();
    return std::nullopt;
  }
  // Under another name first: two labs may be at it, and one may be interrupted.
  remove_abandoned(folder);
  const std::string unfinished = fmt::format("{}{}", kUnfinished, getpid());
  const Finished built =
      run_program({program, "build", "-trimpath", "-buildvcs=false", "-o", unfinished, "."},
                  go_environment(cache), folder, kBuildLimit);
  if (built.ok) fs::rename(folder / unfinished, peer.program_, error);
  if (!built.ok || error) {
    std::error_code ignored;
    fs::remove(folder / unfinished, ignored);
    *failure = built.ok ? "its program cannot be kept in " + folder.string()
                        : "`go build` " + built.failure;
    return std::nullopt;
  }
  return peer;
}

std::optional<Measurement> GoPeer::run(const std::string& arm, uint64_t ops,
                                       std::string* failure) const {
  const Finished finished = run_program({program_, arm, std::to_string(ops)},
                                        go_environment(folder_), folder_, kRunLimit);
  if (!finished.ok) {
    *failure = "its program " + finished.failure;
    return std::nullopt;
  }
  std::optional<Measurement> m = parse_run(finished);
  if (!m) *failure = "its program's output is not understood";
  return m;
}

// "gc 7 @1.204s 3%: 0.1+12+0.003 ms clock, 0.2+0.21/12/0.5+0.006 ms cpu, ..."
std::optional<GcTraceLine> parse_gctrace(std::string_view line) {
  if (!line.starts_with("gc ")) return std::nullopt;
  const size_t colon = line.find("%: ");
  if (colon == std::string_view::npos) return std::nullopt;
  double clock[3], cpu[5];
  const std::string text(line.substr(colon + 3));
  const int got =
      std::sscanf(text.c_str(), "%lf+%lf+%lf ms clock, %lf+%lf/%lf/%lf+%lf ms cpu", &clock[0],
                  &clock[1], &clock[2], &cpu[0], &cpu[1], &cpu[2], &cpu[3], &cpu[4]);
  if (got != 8) return std::nullopt;
  return GcTraceLine{clock[1], cpu[1] + cpu[2] + cpu[3], cpu[1]};
}

}  // namespace greyhound::lab
