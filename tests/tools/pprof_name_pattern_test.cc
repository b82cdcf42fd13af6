// SPDX-License-Identifier: MIT
// Regular expressions over names: what they mean, and what they may cost.
#include "tools/pprof/name_pattern.h"

#include <gtest/gtest.h>

#include <random>
#include <regex>
#include <string>
#include <vector>

#include "tests/tools/small_profile.h"

namespace greyhound::pprof {
namespace {

using testing::error_of;

bool matches(const std::string& pattern, const std::string& name) {
  size_t work = 1'000'000;
  return NamePattern(pattern).matches(name, &work);
}

TEST(NamePatterns, TheWholeNameIsToMatch) {
  EXPECT_TRUE(matches("malloc", "malloc"));
  EXPECT_FALSE(matches("malloc", "mallocs"));
  EXPECT_FALSE(matches("malloc", "a malloc"));
  EXPECT_TRUE(matches("", ""));
  EXPECT_FALSE(matches("", "a"));
  EXPECT_TRUE(matches("^malloc$", "malloc"));
  EXPECT_FALSE(matches("a$b", "ab"));
}

TEST(NamePatterns, MeanWhatTheyMeanToRe2) {
  EXPECT_TRUE(matches("a|bc|", "bc") && matches("a|bc|", "") && !matches("a|bc|", "abc"));
  EXPECT_TRUE(matches("(a|b)*c+?d?", "ababccd") && !matches("(a|b)*c+", "ab"));
  EXPECT_TRUE(matches("(?:ab){2,3}", "abab") && matches("(?:ab){2,3}", "ababab"));
  EXPECT_FALSE(matches("(?:ab){2,3}", "ab") || matches("(?:ab){2,3}", "abababab"));
  EXPECT_TRUE(matches("a{3}", "aaa") && matches("a{0}b", "b") && matches("a{2,}", "aaaaa"));
  EXPECT_FALSE(matches("a{3}", "aa") || matches("a{2,}", "a"));
  EXPECT_TRUE(matches(".*::{{closure}}", "f::{{closure}}")) << "no count, but braces";
  EXPECT_TRUE(matches("a{,3}", "a{,3}"));
  EXPECT_TRUE(matches("[a-c_\\]\\d-]+", "ab_]7-") && !matches("[a-c]", "d"));
  EXPECT_TRUE(matches("[]a]+", "]a") && matches("[^]a]", "b") && !matches("[^]a]", "]"));
  EXPECT_TRUE(matches("[[:alpha:]_][[:^punct:]]*", "x7") && !matches("[[:upper:]]", "x"));
  EXPECT_TRUE(matches("\\w+\\W\\s\\S\\D", "a_1. -x") && !matches("\\d", "x"));
  EXPECT_TRUE(matches("operator new\\[\\]\\x41\\t", "operator new[]A\t"));
  EXPECT_TRUE(matches("\\Aab\\z", "ab") && matches("a\\b b", "a b") && matches("a\\Bb", "ab"));
  EXPECT_FALSE(matches("a\\bb", "ab") || matches(".", "\n"));
  EXPECT_TRUE(matches("(?i)MALLOC_[a-z]", "malloc_X") && !matches("MALLOC", "malloc"));
  EXPECT_TRUE(matches("\u03c8{2}", "\u03c8\u03c8")) << "a character may be several bytes";
}

TEST(NamePatterns, WhatIsNotReadIsRefused) {
  for (const std::string pattern : {"(",
                                    ")",
                                    "a(",
                                    "[a",
                                    "[",
                                    "[b-a]",
                                    "*",
                                    "+a",
                                    "(*)",
                                    "a**",
                                    "a{2}{3}",
                                    "a{3,2}",
                                    "a{1001}",
                                    "(){33000}",
                                    "a{99999999999999999999}",
                                    "\\",
                                    "\\1",
                                    "(a)\\1",
                                    "\\q",
                                    "\\xg0",
                                    "(?=a)",
                                    "(?!a)",
                                    "(?<=a)",
                                    "(?P<n>a)",
                                    "a(?i)b",
                                    "(?:(?=(?:(?=(?:(?=.*).)*).)*).)*"})
    EXPECT_NE(error_of([&] { NamePattern{pattern}; }), "") << pattern;
}

TEST(NamePatterns, NeitherLengthNorDepthNorRepetitionIsWithoutBounds) {
  const std::string deep = std::string(4000, '(') + std::string(4000, ')');
  std::string nested = "a";
  for (int i = 0; i < 400; ++i) nested = "(" + nested + ")+";
  for (const std::string& pattern : {deep, std::string(10'000, 'a'), std::string("(a{1000}){1000}"),
                                     std::string("((a?){200}){200}")})
    EXPECT_NE(error_of([&] { NamePattern{pattern}; }), "");
  EXPECT_TRUE(matches(nested, "aaa"));
  EXPECT_TRUE(matches("(){1000}", "") && matches("(a?){1000}", "aaa"));
  std::string many = "x";
  for (int i = 0; i < 1000; ++i) many += "|y" + std::to_string(i);
  EXPECT_TRUE(matches(many, "y999") && !matches(many, "y1000"));
}

TEST(NamePatterns, WorkIsCounted) {
  NamePattern pattern("(a*)*b|(x|x)*y");
  size_t work = 40'000'000;
  EXPECT_FALSE(pattern.matches(std::string(1'000'000, 'a'), &work));
  EXPECT_GT(work, 0u);
  work = 1000;
  EXPECT_EQ(error_of([&] { pattern.matches(std::string(1'000'000, 'a'), &work); }),
            "takes too long to match");
  EXPECT_EQ(work, 0u);
}

// Backtracking is another algorithm: both agree on what is small.
TEST(NamePatterns, AgreeWithTheStandardLibrarys) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const auto text = [&](const std::vector<std::string>& parts, size_t most) {
    std::string made;
    for (size_t i = random() % (most + 1); i > 0; --i) made += parts[random() % parts.size()];
    return made;
  };
  int compared = 0, found = 0;
  while (compared < 5000) {
    const std::string pattern = text({"a", "b", "[ab]", "[^a]", ".", "(", "(?:", ")", ")", "|", "*",
                                      "+", "?", "{2}", "{1,2}", "^", "$", "\\b"},
                                     9);
    try {
      NamePattern ours(pattern);
      const std::regex theirs(pattern);
      ++compared;
      for (int i = 0; i < 5; ++i) {
        const std::string name = text({"a", "b"}, 5);
        size_t work = 100'000;
        const bool match = std::regex_match(name, theirs);
        found += match;
        ASSERT_EQ(ours.matches(name, &work), match) << pattern << " on " << name;
      }
    } catch (const std::runtime_error&) {  // either does not read it
    }
  }
  EXPECT_GT(found, 100);
}

}  // namespace
}  // namespace greyhound::pprof
