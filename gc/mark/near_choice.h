// SPDX-License-Identifier: MIT
// Which way a marker goes on from an object to what it points to in the same span: at once, depth
// first (Marker::scan_near), or by way of the queue, as to everything else.
//
// Neither is always the better one. Where objects lie in the order in which they are reached (a
// tree built from its leaves up, a list), following finds the next one in the cache, or on its way
// there by the processor's own doing, and the queue is a detour of a nanosecond or two. Where they
// do not (the same tree built from its root down, or nodes at random places of a span), each step
// waits for memory, some 30 ns a node, that the queue would have asked for while it worked on
// something else. Counting steps to neighbours does not tell the two apart: half of a tree's steps
// lead from one leaf to its sibling in the same line, whatever the order. So both ways are tried
// for a thousand objects each, of every hundred thousand, and what took less time a piece of work
// is kept until the next trial. Which way is taken changes the order in which objects are scanned
// and nothing else.
//
// Thread rules: a marker's own.
#pragma once

#include <cstdint>

namespace greyhound::gc {

class NearChoice {
 public:
  // In intervals, of which a marker makes one of so many objects scanned (Marker::gcDrain).
  static constexpr uint32_t kTried = 4;
  static constexpr uint32_t kPeriod = 512;
  // In eighths of what following took: the queue has to be so much faster to be chosen, since what
  // is measured is noisy, and a heap that is in order should not pay for that.
  static constexpr uint64_t kQueueAtMost = 7;

  // Another interval ended, with `work` done since the marker was made. `cpu_ns` gives the marker's
  // processor time and is asked three times a period, as it costs a system call: what the marker
  // waited, or was kept waiting by others, says nothing about memory. Returns whether to follow in
  // the next interval.
  template <class Clock>
  bool interval_ended(uint64_t work, Clock cpu_ns) {
    switch (++interval_) {
      case 1:
        // Only now does each object of an interval come by the way that is tried.
        restart(cpu_ns(), work);
        break;
      case 1 + kTried: {
        const uint64_t now = cpu_ns();
        followed_ = cost(now, work);
        restart(now, work);
        follows_ = false;
        break;
      }
      case 1 + 2 * kTried:
        follows_ = 8 * cost(cpu_ns(), work) >= kQueueAtMost * followed_;
        break;
      case kPeriod:
        interval_ = 0;
        follows_ = true;
        break;
      default:
        break;
    }
    return follows_;
  }
  bool follows() const { return follows_; }

 private:
  void restart(uint64_t now, uint64_t work) {
    from_ns_ = now;
    work_from_ = work;
  }
  // Picoseconds or so for a piece of work.
  uint64_t cost(uint64_t now, uint64_t work) const {
    // Another thread's clock, when the marker has changed hands, may be behind.
    const uint64_t took = now > from_ns_ ? now - from_ns_ : 0;
    return 1024 * took / (work == work_from_ ? 1 : work - work_from_);
  }

  bool follows_ = true;
  uint32_t interval_ = 0;
  uint64_t from_ns_ = 0;
  uint64_t work_from_ = 0;
  uint64_t followed_ = 0;
};

}  // namespace greyhound::gc
