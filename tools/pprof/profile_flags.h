// SPDX-License-Identifier: MIT
// The profiles' flags for programs that read their command line themselves (the benchmarks):
// --heapprofile, --cpuprofile, --gcprofile and --blockprofile, each with a FILE behind it or after
// '='.
#pragma once

#include <functional>

namespace greyhound::pprof {

// Takes the flags out of the arguments, runs `work` with the others between the beginning and the
// writing of the profiles, and gives its status. 2, with a sentence on stderr, for a flag without a
// file and for files that cannot be written.
int with_profiles(int argc, char** argv, const std::function<int(int& argc, char** argv)>& work);

}  // namespace greyhound::pprof
