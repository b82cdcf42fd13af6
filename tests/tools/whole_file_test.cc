// SPDX-License-Identifier: MIT
// Output files: whole or not at all, refused before there is anything to write, and never two in
// one.
#include "runtime/watch/pprof/whole_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/tools/command.h"

namespace greyhound {
namespace {

namespace fs = std::filesystem;

class WholeFile : public ::testing::Test {
 protected:
  WholeFile() { fs::create_directory(folder_); }
  ~WholeFile() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_))
      names.push_back(entry.path().filename());
    return names;
  }

  const std::string folder_ = testing::temporary_path(".files");
};

std::string why_not(const std::string& path) try {
  require_writable(path);
  return "";
} catch (const FileError& error) {
  return error.what();
}

TEST_F(WholeFile, ReplacesWhatWasThereAndKeepsItsMode) {
  write_whole_file(path("a"), "before");
  chmod(path("a").c_str(), 0600);
  write_whole_file(path("a"), "after");
  EXPECT_EQ(testing::read_file(path("a")), "after");
  struct stat status;
  ASSERT_EQ(stat(path("a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(files(), std::vector<std::string>{"a"});
}

TEST_F(WholeFile, WritesBehindALinkWhereverItLeads) {
  fs::create_directory(path("there"));
  fs::create_symlink("there/file", path("link"));
  write_whole_file(path("link"), "one");
  write_whole_file(path("link"), "two");
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(testing::read_file(path("there/file")), "two");
}

// Another name of standard output's file is not that file's end: what is printed stays.
TEST_F(WholeFile, ADescriptorIsWrittenToWhereItStands) {
  const int fd = open(path("a").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
  ASSERT_EQ(write(fd, "first ", 6), 6);
  write_whole_file("/dev/fd/" + std::to_string(fd), "second ");
  ASSERT_EQ(write(fd, "third", 5), 5);
  close(fd);
  EXPECT_EQ(testing::read_file(path("a")), "first second third");
}

TEST_F(WholeFile, TheLongestNameIsLongEnough) {
  const std::string longest = path(std::string(255, 'n'));
  write_whole_file(longest, "whole");
  EXPECT_EQ(testing::read_file(longest), "whole");
  EXPECT_NE(why_not(path(std::string(256, 'n'))).find("File name too long"), std::string::npos);
}

TEST_F(WholeFile, WhatCannotBeWrittenIsSaidBeforeAndNothingIsLeft) {
  write_whole_file(path("there"), "kept");
  fs::create_symlink("round", path("round"));
  const std::vector<std::pair<std::string, const char*>> rows = {
      {folder_, "Is a directory"},
      {path("none/file"), "No such file or directory"},
      {path("there/file"), "Not a directory"},
      {path("new/"), "Is a directory"},
      {path("round"), "Too many levels of symbolic links"},
      {"/dev/full", "No space left on device"},
      {"/dev/fd/1000", "Bad file descriptor"},
      {"", "No such file or directory"}};
  for (const auto& [file, why] : rows) {
    EXPECT_NE(why_not(file).find(why), std::string::npos) << file << ": " << why_not(file);
    EXPECT_THROW(write_whole_file(file, "text"), FileError) << file;
  }
  EXPECT_EQ(why_not(path("there")), "");
  EXPECT_EQ(why_not(path("new")), "");
  EXPECT_EQ(why_not("/dev/null"), "");
  EXPECT_EQ(testing::read_file(path("there")), "kept");
  EXPECT_EQ(files().size(), 2u);
}

TEST_F(WholeFile, AFileSystemWithoutRoomIsFoundBefore) {
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit none{1000, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &none);
  const std::string why = why_not(path("a"));
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_NE(why.find("File too large"), std::string::npos) << why;
  EXPECT_TRUE(files().empty());
}

TEST_F(WholeFile, AFileThatMayNotBeWrittenIsNotReplaced) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write to any file";
  write_whole_file(path("a"), "kept");
  chmod(path("a").c_str(), 0444);
  EXPECT_NE(why_not(path("a")).find("Permission denied"), std::string::npos);
  EXPECT_THROW(write_whole_file(path("a"), "other"), FileError);
}

TEST_F(WholeFile, OneFileIsOneByWhateverName) {
  write_whole_file(path("a"), "");
  fs::create_hard_link(path("a"), path("hard"));
  fs::create_symlink("a", path("soft"));
  fs::create_symlink("new", path("to-new"));
  fs::create_directory_symlink(".", path("here"));
  for (const auto& [one, other] :
       std::vector<std::pair<std::string, std::string>>{{"a", "a"},
                                                        {"a", "./a"},
                                                        {"a", "hard"},
                                                        {"a", "soft"},
                                                        {"here/a", "soft"},
                                                        {"new", "new"},
                                                        {"new", "./new"},
                                                        {"new", "to-new"},
                                                        {"here/new", "new"}}) {
    EXPECT_TRUE(same_file(path(one), path(other))) << one << " " << other;
  }
  EXPECT_FALSE(same_file(path("a"), path("new")));
  EXPECT_FALSE(same_file(path("new"), path("newer")));
  EXPECT_TRUE(same_file("/dev/stdout", "/dev/fd/1") || same_file("/dev/stdout", "/dev/null") ||
              !fs::exists("/dev/fd/1"));
  EXPECT_FALSE(same_file("/dev/null", "/dev/null")) << "what goes there is lost anyhow";
  EXPECT_TRUE(same_file("/dev/zero", "/dev/zero"));
}

}  // namespace
}  // namespace greyhound
