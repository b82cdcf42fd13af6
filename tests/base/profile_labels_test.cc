// SPDX-License-Identifier: MIT
#include "runtime/base/profile_labels.h"

#include <gtest/gtest.h>

#include <thread>

namespace greyhound {
namespace {

TEST(ProfileLabelsTest, NoneOutsideOfScopes) {
  EXPECT_EQ(ProfileLabels::current(), nullptr);
  EXPECT_TRUE(current_labels().empty());
}

TEST(ProfileLabelsTest, InnerScopesAddAndHide) {
  ProfileLabels outer("scenario", "boxed");
  {
    ProfileLabels key("key", "string");
    ProfileLabels inner("scenario", "unboxed");
    EXPECT_EQ(current_labels(), (LabelSet{{"key", "string"}, {"scenario", "unboxed"}}));
  }
  EXPECT_EQ(current_labels(), (LabelSet{{"scenario", "boxed"}}));
}

TEST(ProfileLabelsTest, EachThreadHasItsOwn) {
  ProfileLabels outer("scenario", "boxed");
  std::thread([] { EXPECT_TRUE(current_labels().empty()); }).join();
}

}  // namespace
}  // namespace greyhound
