// SPDX-License-Identifier: MIT
// Makes calls to the system fail, once or for ever, as they may in a sandbox or where something is
// used up. The layers under test are not changed for it: the test programs are linked so that what
// they call by these names comes here first (the linker's --wrap). mimalloc's functions, which are
// looked up while the program runs, are among them.
#pragma once

#include <climits>

namespace greyhound {

enum class Call {
  kClockGettime,
  kDlopen,
  kDlsym,
  kFutex,
  kGetrandom,
  kIoctl,
  kMadvise,
  kMiMalloc,
  kMiMallocAligned,
  kMincore,
  kMmap,
  kMunmap,
  kNanosleep,
  kPerfEventOpen,
  kProcessVmReadv,
  kPthreadGetattr,
  kPthreadKeyCreate,
  kPthreadSetspecific,
  kSigaction,
  kTimerCreate,
  kTimerSettime,
  kWrite,
  kCount
};

inline constexpr int kForEver = INT_MAX;

// From construction to destruction the next `times` calls fail with `error`, on any thread. One at
// a time for a kind of call.
class SystemFault {
 public:
  SystemFault(Call call, int error, int times = kForEver);
  ~SystemFault();
  SystemFault(const SystemFault&) = delete;
  SystemFault& operator=(const SystemFault&) = delete;

  // How many calls have failed.
  int failed() const;

 private:
  const Call call_;
};

}  // namespace greyhound
