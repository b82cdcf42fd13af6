// SPDX-License-Identifier: MIT
#include "runtime/base/check.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <stdexcept>

#include "runtime/base/panic.h"

namespace greyhound {
namespace {

class CheckDeathTest : public ::testing::Test {
 protected:
  CheckDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(CheckDeathTest, FatalPrintsOneLineAndExitsWithTwo) {
  EXPECT_EXIT(fatal("%d cats", 3), ::testing::ExitedWithCode(2), "^fatal error: 3 cats\n$");
}

TEST_F(CheckDeathTest, AFailedCheckNamesItsPlaceAndCondition) {
  const int cats = 3;
  EXPECT_EXIT(GREYHOUND_CHECK(cats == 4), ::testing::ExitedWithCode(2),
              "check_test.cc:[0-9]+: check failed: cats == 4");
}

TEST_F(CheckDeathTest, TheThreadsContextFollowsTheMessage) {
  const int owner = 42;
  const auto die = [&] {
    set_fatal_context(
        [](const void* which, char* buffer, unsigned long size) {
          std::snprintf(buffer, size, "owner %d", *static_cast<const int*>(which));
        },
        &owner);
    fatal("lost");
  };
  EXPECT_EXIT(die(), ::testing::ExitedWithCode(2), "fatal error: lost\n  owner 42\n");
}

TEST_F(CheckDeathTest, APanicWithoutAHandlerIsFatal) {
  EXPECT_EXIT(panic("no map"), ::testing::ExitedWithCode(2), "fatal error: panic: no map");
}

TEST_F(CheckDeathTest, APanicHandlerThatReturnsIsFatal) {
  const auto die = [] {
    set_panic_handler([](const char*) {});
    panic("ignored");
  };
  EXPECT_EXIT(die(), ::testing::ExitedWithCode(2), "panic: ignored");
}

TEST(Check, PassesWhatIsTrue) {
  GREYHOUND_CHECK(1 + 1 == 2);
  GREYHOUND_DCHECK(true);
}

TEST(Panic, ReachesTheHandlerOfTheThread) {
  const PanicHandler previous =
      set_panic_handler([](const char* message) { throw std::runtime_error(message); });
  EXPECT_THROW(panic("boom"), std::runtime_error);
  set_panic_handler(previous);
}

TEST(Panic, SettingAHandlerGivesTheOneBefore) {
  constexpr PanicHandler first = [](const char*) {};
  constexpr PanicHandler second = [](const char*) {};
  const PanicHandler before = set_panic_handler(first);
  EXPECT_EQ(set_panic_handler(second), first);
  EXPECT_EQ(set_panic_handler(before), second);
}

}  // namespace
}  // namespace greyhound
