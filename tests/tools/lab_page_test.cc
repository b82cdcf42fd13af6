// SPDX-License-Identifier: MIT
// The lab page as text: its data are in it, and it asks nobody. What it shows in a browser is
// tests/web's business.
#include "tools/page/lab_page.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tools/experiments/subprocess.h"
#include "tools/page/cycle_timeline.h"
#include "tools/stage/recording.h"

namespace greyhound::page {
namespace {

double sum_of(const lab::LedgerColumn& column) {
  double sum = 0;
  for (const lab::LedgerLine& line : column.lines) sum += line.ns ? line.ns->median : 0;
  return sum;
}

TEST(Ledger, LinesOfEachColumnAddUpToItsTotal) {
  lab::Progress progress(false);
  const lab::Ledger ledger =
      lab::measure_ledger({true, 2}, nullptr, "no Go in this test", &progress);
  ASSERT_EQ(ledger.columns.size(), 2u);
  EXPECT_EQ(ledger.go_note, "no Go in this test");
  for (const lab::LedgerColumn& column : ledger.columns) {
    ASSERT_EQ(column.lines.size(), 6u);
    EXPECT_EQ(column.lines.back().name, "rest");
    EXPECT_NEAR(sum_of(column), column.total.median, 1e-9) << column.name;
  }
  const auto& [unboxed, boxed] = std::pair(ledger.columns[0], ledger.columns[1]);
  EXPECT_NEAR(unboxed.allocs, 0, 1e-3);
  EXPECT_NEAR(boxed.allocs, 1, 1e-3);
  EXPECT_GE(boxed.cycles, unboxed.cycles);
}

TEST(LabPage, HoldsItsDataAndAsksNobody) {
  LabPage page;
  page.report = {{"experiments", nlohmann::ordered_json::array()}};
  page.command = "greyhound lab </script> --html x";
  page.recordings = stage::recordings();
  const std::string html = lab_page_html(page, false);
  EXPECT_NE(html.find("connect-src 'none'"), std::string::npos);
  EXPECT_NE(html.find("\"recordings-data\""), std::string::npos);
  EXPECT_EQ(html.find("lab </script>"), std::string::npos) << "data cannot end their element";
  EXPECT_EQ(html.find("src=\"http"), std::string::npos);
  EXPECT_LT(html.size(), 600'000u) << "a megabyte with the figures and profiles of a run";
  EXPECT_NE(lab_page_html(page, true).find("connect-src 'self'"), std::string::npos);
}

TEST(LabPage, SaysItsCommandsByTheNameThatWasCalled) {
  const std::string name = lab::program_as_called();
  EXPECT_TRUE(name.ends_with("tools_tests")) << name;
  EXPECT_NE(lab_page_html(LabPage{}, true).find("\"program\":\"" + name), std::string::npos);
  EXPECT_EQ(lab::shell_word("a/b.c"), "a/b.c");
  EXPECT_EQ(lab::shell_word("it's a"), "'it'\\''s a'");
}

TEST(LabPage, ACyclesTimelineHasItsCoordinatorAndBothWriters) {
  const nlohmann::ordered_json timeline = cycle_timeline(std::chrono::hours(1));
  ASSERT_FALSE(timeline.is_null());
  const std::string text = timeline.dump();
  EXPECT_NE(text.find("GC cycle"), std::string::npos);
  EXPECT_NE(text.find("writer 1"), std::string::npos);
  EXPECT_NE(text.find("writer 2"), std::string::npos);
}

}  // namespace
}  // namespace greyhound::page
