// SPDX-License-Identifier: MIT
// `go tool pprof` is what profiles are made for: its rows of a profile, and its refusals, are ours.
// Skipped where there is no Go.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>

#include "tests/tools/command.h"
#include "tests/tools/raw_profile.h"
#include "tests/tools/small_profile.h"
#include "tools/pprof/profile_decode.h"

namespace greyhound::pprof {
namespace {

using testing::RawProfile;

using Rows = std::map<std::string, std::pair<int64_t, int64_t>>;  // flat, cum

class PprofOracle : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::system("go version >/dev/null 2>&1") != 0) GTEST_SKIP() << "there is no go here";
  }

  // Their output, or "" where they refuse the file.
  static std::string go_says(const std::string& bytes, const std::string& options) {
    const std::string file = testing::temporary_path(".pb.gz"), out = file + ".txt";
    write_whole_file(file, bytes);
    const std::string line = "go tool pprof -nodecount=100000 -nodefraction=0 " + options + " '" +
                             file + "' >'" + out + "' 2>/dev/null";
    const bool read = std::system(line.c_str()) == 0;
    const std::string text = read ? testing::read_file(out) : "";
    std::filesystem::remove(file);
    std::filesystem::remove(out);
    return text;
  }

  static Rows rows_of_go(const std::string& bytes) {
    std::istringstream text(go_says(bytes, "-top"));
    Rows rows;
    std::string line;
    bool heading = true;
    while (std::getline(text, line)) {
      if (heading) {
        heading = line.find("flat%") == line.npos;
        continue;
      }
      std::istringstream columns(line);
      int64_t flat = 0, cum = 0;
      std::string skipped, name;
      columns >> flat >> skipped >> skipped >> cum >> skipped >> std::ws;
      std::getline(columns, name);
      for (const std::string suffix : {" (inline)", " (partial-inline)"}) {
        if (name.ends_with(suffix)) name.resize(name.size() - suffix.size());
      }
      rows[name] = {flat, cum};
    }
    return rows;
  }

  static Rows ours(const std::string& bytes) {
    Rows rows;
    for (const FunctionTotals& row : functions_of(view_of(decode(bytes), {})))
      rows[row.name] = {row.flat, row.cumulative};
    return rows;
  }
};

TEST_F(PprofOracle, RowsAreTheSame) {
  RawProfile raw("samples", "count");
  raw.add_number(7, raw.text("malloc|operator new|drop.*")).add_number(8, raw.text("drop_kept"));
  raw.mapping(1, "/nonexistent/app")
      .mapping(2, "/nonexistent/libc.so.6")
      .mapping(3, "")
      .mapping(4, "[vdso]");
  raw.function(1, "main").function(2, "f", "f").function(3, "", "g").function(4, "");
  raw.function(5, "malloc")
      .function(6, "operator new(unsigned long)")
      .function(7, "drop_kept(int)");
  raw.function(8, "(anonymous namespace)::drop").function(9, "dropped::operator()(int)");
  raw.location(1, {1}, 0x1000, 1).location(2, {2, 3}, 0x1010, 1).location(3, {}, 0x7f01, 2);
  raw.location(4, {}, 0x7f99, 2).location(5, {4}, 0x1020, 1).location(6, {5}, 0x1030, 2);
  raw.location(7, {5, 6, 2}, 0x1040, 1).location(8, {7}, 0x1050).location(9, {}, 0);
  raw.location(10, {}, 0x44, 3).location(11, {}, 0x55, 4).location(12, {9, 8, 2}, 0x66, 1);
  raw.sample({2, 1}, {1}).sample({3, 2, 1}, {20}).sample({4, 3, 1}, {300}).sample({5, 1}, {4000});
  raw.sample({6, 2, 1}, {50'000}).sample({7, 1}, {600'000}).sample({6}, {7}).sample({8, 1}, {80});
  raw.sample({2, 2, 1, 2, 1}, {900}).sample({9}, {1000}).sample({10, 1}, {20'000});
  raw.sample({11, 1}, {300'000}).sample({2, 1}, {-5}).sample({1}, {0}).sample({6, 8, 7, 1}, {77});
  raw.sample({12, 1}, {11});
  int64_t value = 1'000'000;
  for (const std::string symbol :
       {"_ZNSt6vectorIiSaIiEE9push_backERKi", "_ZN3app12_GLOBAL__N_13runEv",
        "_ZN4core3fmt9Formatter9write_str17h0123456789abcdefE", "_RNvNtCs1234_7mycrate3foo3bar",
        "_RINvCs1_3foo3mapReE", "_ZStlsISt11char_traitsIcEERSt13basic_ostreamIcT_ES5_PKc",
        "_ZNKSt8functionIFvvEEclEv", "_Znwm", "not_mangled", "main.(*T).run"}) {
    const uint64_t id = 100 + static_cast<uint64_t>(value % 97);
    raw.function(id, "", symbol).location(id, {id}).sample({id, 1}, {value++});
  }
  const std::string bytes = raw.packed();
  const Rows go = rows_of_go(bytes);
  EXPECT_GE(go.size(), 8u);
  EXPECT_EQ(ours(bytes), go);
}

TEST_F(PprofOracle, RefusalsAreTheSame) {
  const auto whole = [] {
    RawProfile raw("samples", "count");
    raw.mapping(1, "/bin/app").function(1, "main").location(1, {1}, 0x10, 1).sample({1}, {3});
    return raw;
  };
  const RawProfile good = whole();
  EXPECT_NE(go_says(good.packed(), "-top"), "");
  EXPECT_NO_THROW(decode(good.packed()));
  const std::string same[] = {
      whole().function(1, "again").packed(),
      whole().location(1, {1}).packed(),
      whole().mapping(1, "again").packed(),
      whole().function(0, "none").packed(),
      whole().location(2, {7}).packed(),
      whole().location(2, {0}).packed(),
      whole().sample({2}, {3}).packed(),
      whole().sample({1}, {3, 4}).packed(),
      whole().sample({1}, {}).packed(),
      whole().packed() + "more",
      whole().packed() + whole().packed().substr(0, 20),
      whole().unpacked() + "\xff",
  };
  for (size_t i = 0; i < std::size(same); ++i) {
    EXPECT_EQ(go_says(same[i], "-top"), "") << i;
    EXPECT_THROW(decode(same[i]), FormatError) << i;
  }
}

}  // namespace
}  // namespace greyhound::pprof
