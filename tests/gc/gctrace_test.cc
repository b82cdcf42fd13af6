// SPDX-License-Identifier: MIT
// The gctrace lines, field by field. Their digits are those of a line that Go 1.19 wrote; what a
// JSON parser makes of the JSON line is tested in tests/tools.
#include "gc/watch/gctrace.h"

#include <regex>
#include <sstream>

#include "tests/gc/fixture.h"

namespace greyhound::gc {
namespace {

std::string go_ms(uint64_t ns) {
  char text[32];
  format_go_ms(ns, text);
  return text;
}

// Times that Go 1.19 prints as: gc 1 @0.003s 7%: 0.025+2.8+0.058 ms clock, ...
CycleStats golden_cycle() {
  CycleStats cycle;
  cycle.cycle = 1;
  cycle.start_ns = 3'400'000;
  cycle.longest_start_hold_ns = 25'400;
  cycle.mark_ns = 2'890'000;
  cycle.longest_end_hold_ns = 58'900;
  cycle.assist_ns = 79'500;
  cycle.mark_cpu_ns = 659'999;
  cycle.heap_before = (4u << 20) + 1'000'000;
  cycle.heap_at_end = 4u << 20;
  cycle.heap_marked = (3u << 20) - 1;
  cycle.heap_goal = 4u << 20;
  return cycle;
}

std::string line_of(const CycleStats& cycle) {
  char text[1024];
  const size_t length = format_gctrace({cycle, 0.0799, 2}, text, sizeof text);
  return {text, length};
}

TEST(GcTrace, TimesHaveGosDigits) {
  EXPECT_EQ(go_ms(0), "0");
  EXPECT_EQ(go_ms(999), "0");
  EXPECT_EQ(go_ms(1'000), "0.001");
  EXPECT_EQ(go_ms(25'400), "0.025");
  EXPECT_EQ(go_ms(99'999), "0.099");
  EXPECT_EQ(go_ms(100'000), "0.10");
  EXPECT_EQ(go_ms(659'999), "0.65");
  EXPECT_EQ(go_ms(1'000'000), "1.0");
  EXPECT_EQ(go_ms(2'890'000), "2.8");
  EXPECT_EQ(go_ms(9'999'999), "9.9");
  EXPECT_EQ(go_ms(10'000'000), "10");
  EXPECT_EQ(go_ms(123'456'789'012), "123456");
}

TEST(GcTrace, ALineIsGosByteForByte) {
  EXPECT_EQ(line_of(golden_cycle()),
            "gc 1 @0.003s 7%: 0.025+2.8+0.058 ms clock, 0.050+0.079/0.65/0+0.11 ms cpu, "
            "4->4->2 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P\n");
  CycleStats forced = golden_cycle();
  forced.forced = true;
  EXPECT_TRUE(line_of(forced).ends_with(" 2 P (forced)\n"));
}

TEST(GcTrace, WithoutAGoalItPrintsWhatGoDoes) {
  CycleStats cycle = golden_cycle();
  cycle.heap_goal = UINT64_MAX;
  EXPECT_NE(line_of(cycle).find(" 17592186044415 MB goal"), std::string::npos);
}

TEST(GcTrace, AShortBufferIsNotOverrun) {
  char text[20];
  EXPECT_EQ(format_gctrace({golden_cycle(), 0, 1}, text, sizeof text), 19u);
  EXPECT_EQ(format_gctrace_json({golden_cycle(), 0, 1}, text, sizeof text), 19u);
  EXPECT_EQ(std::string(text), "{\"schema_version\":1");
}

// What a program that reads Go's lines expects of each: the format of Go's documentation (package
// runtime), with the digits that Go prints.
const std::regex& gos_line() {
  static const std::regex line([] {
    const std::string time = R"((\d{2,}|\d\.\d|0\.\d\d|0\.0\d\d|0))";
    return R"(gc [1-9]\d* @\d+\.\d{3}s \d{1,3}%: )" + time + R"(\+)" + time + R"(\+)" + time +
           " ms clock, " + time + R"(\+)" + time + "/" + time + "/" + time + R"(\+)" + time +
           R"( ms cpu, \d+->\d+->\d+ MB, \d+ MB goal, \d+ MB stacks, \d+ MB globals, [1-9]\d* P( \(forced\))?)";
  }());
  return line;
}

class GcTraceOutput : public ::testing::Test {
 protected:
  static std::vector<std::string> lines_with(int64_t gctrace, int cycles) {
    Options options = quiet_options();
    options.debug.gctrace = gctrace;
    ::testing::internal::CaptureStderr();
    {
      Collector collector(options);
      EXPECT_TRUE(collector.start());
      for (int i = 0; i < cycles; ++i) collector.collect();
    }
    std::vector<std::string> lines;
    std::istringstream text(::testing::internal::GetCapturedStderr());
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }
};

TEST_F(GcTraceOutput, AParserOfGosLinesAcceptsEachLine) {
  const auto lines = lines_with(1, 3);
  ASSERT_EQ(lines.size(), 3u);
  for (const std::string& line : lines) EXPECT_TRUE(std::regex_match(line, gos_line())) << line;
  EXPECT_EQ(lines[2].find("gc 3 @"), 0u);
}

TEST_F(GcTraceOutput, TwoAddsASecondLineThatGosParsersPassOver) {
  const auto lines = lines_with(2, 2);
  ASSERT_EQ(lines.size(), 4u);
  for (size_t i = 0; i < lines.size(); i += 2) {
    EXPECT_TRUE(std::regex_match(lines[i], gos_line())) << lines[i];
    EXPECT_EQ(lines[i + 1].find("   "), 0u);
    for (const char* what : {" rounds, ", " assists, ", " barrier hits, ", " map growths ("})
      EXPECT_NE(lines[i + 1].find(what), std::string::npos) << lines[i + 1];
  }
}

TEST_F(GcTraceOutput, JsonIsOneObjectALine) {
  const auto lines = lines_with(kGctraceJson, 2);
  ASSERT_EQ(lines.size(), 2u);
  for (const std::string& line : lines) {
    EXPECT_TRUE(line.starts_with("{\"schema_version\":1,\"gc\":")) << line;
    EXPECT_TRUE(line.ends_with("}}")) << line;
    EXPECT_NE(line.find("\"goal\":null"), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace greyhound::gc
