// SPDX-License-Identifier: MIT
// The formats that google/pprof calls legacy (profile/legacy_profile.go) and what else people have
// beside profiles. Of each the first bytes suffice.
#include "tools/pprof/legacy_formats.h"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <cstdint>

namespace greyhound::pprof {
namespace {

constexpr const char* kConvert =
    "`go tool pprof -proto PROGRAM FILE >profile.pb.gz` makes a profile of it";
constexpr const char* kWithoutDebug =
    "ask for it without debug=, as in .../debug/pprof/heap, for a file with names in it; or `go "
    "tool pprof -proto FILE >profile.pb.gz` makes a profile of this one";

struct Beginning {
  std::string_view bytes;
  const char* what;
  const char* advice;
};

constexpr Beginning kBeginnings[] = {
    {"heap profile:", "a heap profile as text (Go's debug=1, or gperftools')", kWithoutDebug},
    {"--- heapz", "a Java heap profile as text", kConvert},
    {"--- contentionz", "a contention profile as text", kWithoutDebug},
    {"--- contention:", "a contention profile as text (Go's debug=1)", kWithoutDebug},
    {"--- mutex:", "a mutex profile as text (Go's debug=1)", kWithoutDebug},
    {"--- threadz", "a thread profile as text", kConvert},
    {"--- Thread ", "a thread profile as text", kConvert},
    {"--- symbol", "gperftools' profile with symbols (pprof --raw)", kConvert},
    {"PERFILE2", "perf's own format (perf.data)",
     "perf_to_profile of google/perf_data_converter makes a profile of it"},
    {std::string_view("FLR\0", 4), "Java's flight recorder's format (JFR)",
     "async-profiler's jfrconv --pprof makes a profile of it"},
    {"# callgrind format", "callgrind's format", "callgrind_annotate and kcachegrind read it"},
    {"\x28\xb5\x2f\xfd", "compressed by zstd", "unpack it first: zstd -d"},
    {"\xfd"
     "7zXZ",
     "compressed by xz", "unpack it first: xz -d"},
    {"BZh", "compressed by bzip2", "unpack it first: bzip2 -d"},
    {"PK\x03\x04", "a zip archive", "unpack it first: unzip"},
    {"\x7f"
     "ELF",
     "a program, not a profile of one", "greyhound callsites --binary FILE reads programs"},
};

uint64_t word(std::string_view bytes, size_t index, size_t size, bool big) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[index * size + (big ? i : size - 1 - i)]);
    value = value << 8 | byte;
  }
  return value;
}

// Words 0, 3, 0 (C++) or 1 (Java), the period in microseconds, 0; of either size and order.
bool is_cpu_profile(std::string_view bytes) {
  for (const size_t size : {4, 8}) {
    if (bytes.size() < 5 * size) continue;
    for (const bool big : {false, true}) {
      std::array<uint64_t, 5> words;
      for (size_t i = 0; i < words.size(); ++i) words[i] = word(bytes, i, size, big);
      if (words[0] == 0 && words[1] == 3 && words[2] <= 1 && words[3] > 0 && words[4] == 0)
        return true;
    }
  }
  return false;
}

std::string_view first_line(std::string_view bytes) { return bytes.substr(0, bytes.find('\n')); }

// "main;f;g 42"
bool is_folded(std::string_view bytes) {
  std::string_view line = first_line(bytes.substr(0, 4096));
  const size_t space = line.rfind(' ');
  if (space == std::string_view::npos || line.find(';') == std::string_view::npos) return false;
  line.remove_prefix(space + 1);
  for (const char c : line) {
    if (!std::isdigit(static_cast<unsigned char>(c))) return false;
  }
  return !line.empty();
}

[[noreturn]] void refuse(const char* what, const char* advice) {
  throw OtherFormat(fmt::format("it is {}; {}", what, advice));
}

}  // namespace

void refuse_other_formats(std::string_view bytes) {
  for (const Beginning& beginning : kBeginnings) {
    if (bytes.starts_with(beginning.bytes)) refuse(beginning.what, beginning.advice);
  }
  if (is_cpu_profile(bytes)) refuse("gperftools' CPU profile (also Java's of that time)", kConvert);
  const std::string_view line = first_line(bytes.substr(0, 4096));
  if (line.find(" profile: total ") != std::string_view::npos)
    refuse("a profile of counts as text (Go's debug=1)", kWithoutDebug);
  if (bytes.starts_with("goroutine ") && line.ends_with("]:"))
    refuse("goroutines as text (Go's debug=2)", kWithoutDebug);
  if (is_folded(bytes)) refuse("folded stacks", "flamegraph.pl, inferno and speedscope read them");
  const size_t text = bytes.find_first_not_of(" \t\r\n");
  if (text != std::string_view::npos && bytes[text] == '<')
    refuse("HTML or XML", "when a server sent it, it may be the page of an error");
  if (text != std::string_view::npos && (bytes[text] == '{' || bytes[text] == '['))
    refuse("JSON (V8's .cpuprofile, speedscope's, a trace)",
           "the tool that wrote it may be able to write pprof's format");
}

}  // namespace greyhound::pprof
