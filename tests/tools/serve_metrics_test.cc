// SPDX-License-Identifier: MIT
// /metrics: what the runtime counted, in a format that Prometheus reads; and that the alert rules,
// the dashboard and the documentation name metrics that there are.
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "gc/cycle/collector.h"
#include "runtime/watch/debughttp/metric_families.h"
#include "tests/tools/command.h"
#include "tests/tools/serve_http.h"

namespace greyhound::serve {
namespace {

bool has_promtool() { return std::system("promtool --version >/dev/null 2>&1") == 0; }

class Metrics : public testing::ServeTest {
 protected:
  Metrics() { start(); }

  static double value(const std::string& text, const std::string& name) {
    const size_t at = text.find("\n" + name + " ");
    EXPECT_NE(at, std::string::npos) << name;
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
  }
  // Names as they stand in queries: a histogram's are three.
  static std::set<std::string> names(const std::string& text) {
    std::set<std::string> result;
    const std::regex line("(^|\n)([a-z_]+)[ {]");
    for (std::sregex_iterator i(text.begin(), text.end(), line), end; i != end; ++i)
      result.insert((*i)[2]);
    return result;
  }
  static std::set<std::string> words(const std::string& text) {
    std::set<std::string> result;
    const std::regex word("\\b(greyhound|go|process)_[a-z_]*[a-z]");
    for (std::sregex_iterator i(text.begin(), text.end(), word), end; i != end; ++i)
      result.insert(i->str());
    return result;
  }
  // With a limit, which has a metric of its own.
  std::string everything() {
    runtime_.set_memory_limit(uint64_t{1} << 30);
    runtime_.collect();
    return get("/metrics?compat=go").body;
  }
};

TEST_F(Metrics, SayWhatTheRuntimeCounted) {
  const Node* list = make_list(5000);
  runtime_.collect();
  const testing::Reply reply = get("/metrics");
  EXPECT_EQ(reply.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const gc::GcStats stats = runtime_.stats();
  EXPECT_EQ(value(reply.body, "greyhound_heap_allocated_objects_total"), stats.mallocs);
  EXPECT_EQ(value(reply.body, "greyhound_heap_live_bytes"), stats.heap_live);
  EXPECT_EQ(value(reply.body, "greyhound_heap_marked_bytes"), stats.last_cycle.heap_marked);
  EXPECT_EQ(value(reply.body, "greyhound_gc_cycles_total{reason=\"forced\"}"), stats.forced_cycles);
  EXPECT_DOUBLE_EQ(value(reply.body, "greyhound_gc_assist_cpu_seconds_total"),
                   static_cast<double>(stats.assist_ns) * 1e-9);
  EXPECT_EQ(value(reply.body, "greyhound_mutators"), 1);
  EXPECT_GT(value(reply.body, "process_resident_memory_bytes"), 0);
  EXPECT_EQ(value(reply.body, "greyhound_mutator_hold_seconds_bucket{le=\"+Inf\"}"),
            value(reply.body, "greyhound_mutator_hold_seconds_count"));
  EXPECT_EQ(list->value, 4999);
}

TEST_F(Metrics, GosNamesComeWhenAskedFor) {
  EXPECT_EQ(get("/metrics").body.find("\ngo_"), std::string::npos);
  const std::string text = get("/metrics?compat=go").body;
  for (const char* name :
       {"go_goroutines", "go_threads", "go_memstats_alloc_bytes", "go_memstats_mallocs_total",
        "go_memstats_sys_bytes", "go_gc_duration_seconds{quantile=\"0.5\"}",
        "go_gc_duration_seconds_sum", "greyhound_mutators"})
    value(text, name);
  // What the stock dashboards for Go programs read beside those.
  for (const char* name :
       {"process_cpu_seconds_total", "process_open_fds", "process_max_fds",
        "process_start_time_seconds", "process_virtual_memory_bytes", "process_threads",
        "go_memstats_frees_total", "go_memstats_heap_objects", "go_memstats_heap_released_bytes",
        "go_memstats_stack_inuse_bytes", "go_memstats_mspan_inuse_bytes",
        "go_memstats_mcache_inuse_bytes", "go_sched_gomaxprocs_threads", "go_gc_gogc_percent"})
    value(text, name);
  EXPECT_NE(text.find("go_info{version=\"greyhound-"), std::string::npos);

  ServerOptions options;
  options.go_metrics = true;
  make_server(options);
  start();
  EXPECT_NE(get("/metrics").body.find("\ngo_goroutines 1\n"), std::string::npos);
}

TEST_F(Metrics, OpenFilesAreCounted) {
  const double before = value(get("/metrics").body, "process_open_fds");
  std::ifstream one("/proc/self/status"), two("/proc/self/status");
  EXPECT_EQ(value(get("/metrics").body, "process_open_fds"), before + 2);
  EXPECT_GT(value(get("/metrics").body, "process_max_fds"), before);
}

TEST_F(Metrics, ObjectsAreTheLivingAndWhatWasAllocatedSince) {
  const Node* list = make_list(5000);
  runtime_.collect();
  make_list(1000);
  runtime_.collect();
  const std::string text = get("/metrics?compat=go").body;
  const double objects = value(text, "go_memstats_heap_objects");
  EXPECT_GE(objects, 5000);
  EXPECT_EQ(objects,
            value(text, "go_memstats_mallocs_total") - value(text, "go_memstats_frees_total"));
  EXPECT_EQ(list->value, 4999);
}

TEST_F(Metrics, PromtoolFindsNothingWrong) {
  if (!has_promtool()) GTEST_SKIP() << "there is no promtool here";
  const std::string path = testing::temporary_path(".prom");
  std::ofstream(path) << everything();
  const std::string command = "promtool check metrics <'" + path + "' 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0);
  std::remove(path.c_str());
}

std::string monitoring(const char* file) {
  const std::string text =
      testing::read_file(std::string(GREYHOUND_SOURCE_DIR "/tools/monitoring/") + file);
  EXPECT_NE(text, "") << file;
  return text;
}

TEST_F(Metrics, RulesAndDashboardNameMetricsThatThereAre) {
  const std::set<std::string> there = names(everything());
  for (const char* file : {"greyhound.rules.yml", "greyhound-dashboard.json"}) {
    const std::set<std::string> named = words(monitoring(file));
    EXPECT_GE(named.size(), 5u);
    for (const std::string& name : named) EXPECT_TRUE(there.contains(name)) << file << ": " << name;
  }
}

TEST_F(Metrics, TheDocumentationNamesEveryMetricAndNoOther) {
  const std::string text = everything();
  std::set<std::string> families;
  const std::regex type("# TYPE ([a-z_]+) ");
  for (std::sregex_iterator i(text.begin(), text.end(), type), end; i != end; ++i)
    families.insert((*i)[1]);
  const std::string page = testing::read_file(GREYHOUND_SOURCE_DIR "/docs/monitoring.md");
  std::set<std::string> documented;
  const std::regex row("\n\\| `((greyhound|go|process)_[a-z_]+)");
  for (std::sregex_iterator i(page.begin(), page.end(), row), end; i != end; ++i)
    documented.insert((*i)[1]);
  EXPECT_EQ(documented, families);
}

TEST_F(Metrics, TheDashboardIsWhatGrafanaImports) {
  const auto board = nlohmann::json::parse(monitoring("greyhound-dashboard.json"));
  EXPECT_TRUE(board["title"].is_string());
  EXPECT_TRUE(board["schemaVersion"].is_number());
  std::set<int> ids;
  for (const auto& panel : board["panels"]) {
    EXPECT_TRUE(ids.insert(panel["id"].get<int>()).second);
    for (const char* part : {"title", "type", "gridPos", "fieldConfig"})
      EXPECT_TRUE(panel.contains(part)) << panel["title"] << part;
    if (panel["type"] == "row") continue;
    ASSERT_FALSE(panel["targets"].empty()) << panel["title"];
    for (const auto& target : panel["targets"])
      EXPECT_FALSE(words(target["expr"].get<std::string>()).empty()) << panel["title"];
  }
  EXPECT_GE(ids.size(), 8u);
}

TEST_F(Metrics, PromtoolRunsTheRulesOnTheirTests) {
  if (!has_promtool()) GTEST_SKIP() << "there is no promtool here";
  const std::string folder = GREYHOUND_SOURCE_DIR "/tools/monitoring";
  EXPECT_EQ(std::system(("promtool check rules " + folder + "/greyhound.rules.yml").c_str()), 0);
  EXPECT_EQ(std::system(("promtool test rules " + folder + "/greyhound.rules.test.yml").c_str()),
            0);
}

TEST(MetricFamilies, AHistogramsCountsAreExactAtItsBounds) {
  gc::LatencyHistogram latencies;
  for (const uint64_t ns : {1, 1023, 1024, 2047, 2048, 5'000, 1 << 29, (1 << 30) - 1, 1 << 30})
    latencies.add(ns);
  latencies.add(uint64_t{1} << 35);
  std::vector<prometheus::MetricFamily> families;
  Families(&families).histogram("h", "help", latencies);
  const auto& histogram = families.at(0).metric.at(0).histogram;
  ASSERT_EQ(histogram.bucket.size(), 21u);
  EXPECT_EQ(histogram.sample_count, 10u);
  EXPECT_EQ(histogram.bucket[0].cumulative_count, 2u);  // below 1.024 us
  EXPECT_EQ(histogram.bucket[1].cumulative_count, 4u);
  EXPECT_EQ(histogram.bucket[2].cumulative_count, 5u);
  EXPECT_EQ(histogram.bucket[20].cumulative_count, 8u);
  EXPECT_DOUBLE_EQ(histogram.bucket[0].upper_bound, 1024e-9);
}

TEST(MetricFamilies, ASummaryHasGosQuantiles) {
  gc::LatencyHistogram latencies;
  for (const uint64_t ns : {8, 9, 10, 11}) latencies.add(ns);
  std::vector<prometheus::MetricFamily> families;
  Families(&families).summary("s", "help", latencies);
  const auto& summary = families.at(0).metric.at(0).summary;
  ASSERT_EQ(summary.quantile.size(), 5u);
  EXPECT_DOUBLE_EQ(summary.quantile[0].value, 8e-9);
  EXPECT_DOUBLE_EQ(summary.quantile[4].value, 11e-9);
  EXPECT_DOUBLE_EQ(summary.sample_sum, 38e-9);
}

}  // namespace
}  // namespace greyhound::serve
