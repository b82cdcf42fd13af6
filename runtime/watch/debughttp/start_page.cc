// SPDX-License-Identifier: MIT
#include "runtime/watch/debughttp/start_page.h"

#include <fmt/format.h>

#include "runtime/watch/debughttp/profiles.h"

namespace greyhound::serve {
namespace {

struct Line {
  const char* path;
  const char* text;
};

constexpr Line kStart[] = {
    {"debug/pprof/", "profiles, as Go's net/http/pprof has them"},
    {"metrics", "metrics for Prometheus (metrics?compat=go: Go's names as well)"},
    {"debug/gc", "the collector now, as JSON"},
    {"debug/gc/events", "the same whenever it changes, as server-sent events"},
};

// One page: a title, what `body` says, nothing from anywhere else.
std::string page(const char* title, const std::string& body) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>{0}</title>\n"
      "<style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;"
      "padding:0 1rem;color-scheme:light dark}}td{{padding:.1rem 1rem .1rem 0;"
      "vertical-align:top}}td.count{{text-align:right;font-variant-numeric:tabular-nums}}</style>\n"
      "</head>\n<body>\n<h1>{0}</h1>\n{1}</body>\n</html>\n",
      title, body);
}

std::string row(const std::string& count, const char* path, const char* text) {
  return fmt::format(
      "<tr><td class=\"count\">{}</td><td><a href=\"{}\">{}</a></td><td>{}</td></tr>\n", count,
      path, path, text);
}

}  // namespace

std::string start_page(ObservedRuntimes* observed) {
  const Snapshot snapshot = observed->snapshot();
  std::string body = fmt::format("<p>{} runtimes with {} mutators, {} cycles so far.</p>\n<ul>\n",
                                 snapshot.runtimes, snapshot.mutators, snapshot.stats.cycles);
  for (const Line& line : kStart)
    body += fmt::format("<li><a href=\"/{0}\">/{0}</a>: {1}</li>\n", line.path, line.text);
  return page("Greyhound", body + "</ul>\n");
}

std::string pprof_index_page(ObservedRuntimes* observed) {
  size_t sites = 0, locks = 0, waits = 0;
  for (const auto& [rate, records] : observed->heap_samples()) sites += records.size();
  for (const auto& [rate, records] : observed->wait_samples()) {
    for (const gc::WaitRecord& record : records) ++(is_lock(record) ? locks : waits);
  }
  const std::string mutators = std::to_string(observed->mutators().size());
  const std::string threads = std::to_string(thread_profile().samples.size());
  std::string body = "<p>Types of profiles available:</p>\n<table>\n";
  body += row(std::to_string(sites), "allocs?debug=1", "what was allocated where, ever");
  body += row(std::to_string(waits), "block?debug=1",
              "where the runtime's threads waited: handshakes, assists, the start of a cycle");
  body += row("", "cmdline?debug=1", "the command line of this program");
  body += row("", "gc?seconds=5",
              "what marking, assists, barriers and evacuation cost, by who caused it");
  body += row(mutators, "goroutine?debug=1", "the mutators and what they do");
  body += row(std::to_string(sites), "heap?debug=1",
              "what lives and where it was allocated; gc=1 collects first");
  body +=
      row(std::to_string(locks), "mutex?debug=1", "where they waited for the runtime's own locks");
  body += row("", "profile?seconds=5", "where processor time goes; 30 s unless said otherwise");
  body += row("", "symbol", "names of addresses: symbol?0x1234+0x5678");
  body += row(threads, "threadcreate?debug=1", "the threads of this program");
  body += row("", "trace?seconds=1",
              "what each thread does for the collector and when, for Perfetto (not Go's format)");
  return page("/debug/pprof/", body + "</table>\n");
}

}  // namespace greyhound::serve
