// SPDX-License-Identifier: MIT
// The USDT probes that docs/tracing.md lists are in the built command, with their arguments, as
// readelf shows them. Skipped where the build had no <sys/sdt.h> and where there is no readelf.
#include <algorithm>
#include <map>
#include <regex>
#include <set>

#include "tests/tools/command.h"

namespace greyhound {
namespace {

#if __has_include(<sys/sdt.h>)
constexpr bool kHeaderFound = true;
#else
constexpr bool kHeaderFound = false;
#endif

// Name to number of arguments, of the provider greyhound.
std::map<std::string, size_t> probes_of(const char* binary) {
  const std::string path = testing::temporary_path(".notes");
  const std::string command = std::string("readelf -nW '") + binary + "' >'" + path + "' 2>&1";
  std::map<std::string, size_t> probes;
  if (std::system(command.c_str()) == 0) {
    const std::string notes = testing::read_file(path);
    const std::regex probe(
        R"(Provider: greyhound\s+Name: (\w+)\s+Location:[^\n]*\s+Arguments: ([^\n]*))");
    for (std::sregex_iterator it(notes.begin(), notes.end(), probe), end; it != end; ++it) {
      const std::string arguments = (*it)[2];
      probes[(*it)[1]] = static_cast<size_t>(std::ranges::count(arguments, '@'));
    }
  }
  std::remove(path.c_str());
  return probes;
}

TEST(Probes, AllThatAreDocumentedAreInTheCommand) {
  if (!kHeaderFound) GTEST_SKIP() << "built without <sys/sdt.h> (systemtap-sdt-dev)";
  if (std::system("readelf --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no readelf here";
  const std::map<std::string, size_t> expected = {
      {"gc__start", 3},           {"gc__done", 4},           {"sweep__done", 3},
      {"mark__assist__start", 2}, {"mark__assist__done", 3}, {"handshake__post", 2},
      {"handshake__ack", 4},      {"mutator__hold", 2},      {"map__grow", 4},
      {"map__evacuate", 3},       {"box__alloc", 2},         {"alloc__large", 2}};
  EXPECT_EQ(probes_of(GREYHOUND_COMMAND), expected);
}

TEST(Probes, TheDocumentationListsThem) {
  const std::string text = testing::read_file(GREYHOUND_SOURCE_DIR "/docs/tracing.md");
  for (const auto& [name, arguments] : probes_of(GREYHOUND_COMMAND))
    EXPECT_NE(text.find("`" + name + "`"), std::string::npos) << name;
}

}  // namespace
}  // namespace greyhound
