// SPDX-License-Identifier: MIT
#include "tools/pprof/profile_flags.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <string_view>
#include <vector>

#include "runtime/watch/pprof/profile_files.h"
#include "tools/common/plain_text.h"

namespace greyhound::pprof {
namespace {

constexpr int kExitUsage = 2;

struct Flag {
  std::string_view name;
  std::string ProfileNames::*file;
};
constexpr std::array<Flag, 4> kFlags = {{{"--heapprofile", &ProfileNames::heap},
                                         {"--cpuprofile", &ProfileNames::cpu},
                                         {"--gcprofile", &ProfileNames::gc},
                                         {"--blockprofile", &ProfileNames::block}}};

// The flag that `argument` is or begins with, before '='; else null.
const Flag* flag_of(std::string_view argument) {
  for (const Flag& flag : kFlags) {
    if (argument.substr(0, argument.find('=')) == flag.name) return &flag;
  }
  return nullptr;
}

// What is not ours, in the order it stood in.
std::vector<char*> take_flags(int argc, char** argv, ProfileNames* names) {
  std::vector<char*> others;
  for (int i = 0; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const Flag* flag = i == 0 ? nullptr : flag_of(argument);
    if (flag == nullptr) {
      others.push_back(argv[i]);
      continue;
    }
    std::string& file = names->*flag->file;
    if (argument.size() > flag->name.size()) {
      file = argument.substr(flag->name.size() + 1);
    } else if (i + 1 < argc) {
      file = argv[++i];
    }
    if (file.empty())
      throw std::runtime_error(
          fmt::format("{} needs a file, as in {} profile.pb.gz", flag->name, flag->name));
  }
  return others;
}

}  // namespace

int with_profiles(int argc, char** argv, const std::function<int(int&, char**)>& work) try {
  ProfileNames names;
  std::vector<char*> others = take_flags(argc, argv, &names);
  int count = static_cast<int>(others.size());
  others.push_back(nullptr);
  if (!names.any()) return work(count, others.data());
  ProfileFiles files(std::move(names));
  const int status = work(count, others.data());
  files.write();
  return status;
} catch (const std::runtime_error& error) {
  const std::string message = fmt::format("{}: {}", argv[0], error.what());
  std::fputs((plain_text(message) + "\n").c_str(), stderr);
  return kExitUsage;
}

}  // namespace greyhound::pprof
