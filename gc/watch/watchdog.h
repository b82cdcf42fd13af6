// SPDX-License-Identifier: MIT
// Why a mutator has not answered a handshake for long: the watchdog looks at its thread twice and
// says what that was doing, because only some of it is the program's fault.
//
//   answering   it is in its acknowledgement: a large stack takes so long to copy
//   running     it used its processor all along: a loop without a safepoint
//   waiting     it sleeps: a wait that is not wrapped in a blocking region
//   starved     it would run, and got no processor; it waits for the kernel (a page, a device), or
//               inside of an allocation for a lock whose holder got none: the machine is at its
//               limit, and nothing is wrong with the program
//
// Thread rules: any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace greyhound::gc {

// What the kernel says of a thread of this process.
struct ThreadSight {
  uint64_t cpu_ns = 0;  // its clock
  char state = '?';     // as in /proc/.../stat: R, S, D, ...; ? when that cannot be read
};
ThreadSight look_at_thread(pid_t tid);

enum class Stall { kAnswering, kRunning, kWaiting, kStarved };

// A thread that ran for so long without a safepoint is to blame, however long it took to.
inline constexpr uint64_t kRanNs = 50'000'000;

// What a mutator is doing, as it says itself.
enum class Inside { kProgram, kAllocation, kAnswer };

// `first` was seen soon after the handshake was raised, `now` when the watchdog lost patience.
Stall judge_stall(const ThreadSight& first, const ThreadSight& now, Inside inside);

}  // namespace greyhound::gc
