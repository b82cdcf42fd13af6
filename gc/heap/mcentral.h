// SPDX-License-Identifier: MIT
// The spans of one layout (or the shared spans of one size class) that no mutator's cache holds, as
// Go's mcentral: by sweep generation parity, with free slots (partial) and without (full). When the
// generation moves on, yesterday's lists are thereby the unswept ones; nothing is moved.
//
// Invariant: lists of parity g hold spans with sweepgen g only; before a cycle's H1 completes, the
// lists of the older parity are empty.
//
// Thread rules: any thread; the lock protects the lists.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "gc/heap/mspan.h"
#include "gc/memory/own_containers.h"
#include "gc/memory/short_mutex.h"
#include "gc/watch/wait_profile.h"

namespace greyhound::gc {

class mcentral {
 public:
  mspan* pop_partial(uint32_t gen) {
    ProfiledLock lock(mutex_, "lock: central list");
    return lists_[gen & 1].pop_partial();
  }
  mspan* pop_full(uint32_t gen) {
    ProfiledLock lock(mutex_, "lock: central list");
    return lists_[gen & 1].pop_full();
  }
  void push(mspan* span, bool has_free) {
    ProfiledLock lock(mutex_, "lock: central list");
    lists_[span->sweepgen & 1].push(span, has_free);
  }
  // Several at a time, for who sweeps them all: appends up to `most` spans of generation `gen`, the
  // partial ones first, to *taken.
  void pop_some(uint32_t gen, size_t most, std::vector<mspan*>* taken) {
    ProfiledLock lock(mutex_, "lock: central list");
    Lists& lists = lists_[gen & 1];
    for (; most != 0 && !lists.empty(); --most) taken->push_back(lists.pop_first());
  }
  // And takes them, swept, of generation `gen`; empties both. Those with room go to the front, from
  // where a mutator takes one: of the latest, the bitmaps are still in a cache.
  void push_some(uint32_t gen, std::vector<mspan*>* partial, std::vector<mspan*>* full) {
    ProfiledLock lock(mutex_, "lock: central list");
    for (; !partial->empty(); partial->pop_back()) lists_[gen & 1].push(partial->back(), true);
    for (mspan* span : *full) lists_[gen & 1].push(span, false);
    full->clear();
  }
  template <class Visit>
  void for_each(Visit visit) {
    ProfiledLock lock(mutex_, "lock: central list");
    for (const Lists& lists : lists_) lists.for_each(visit);
  }

 private:
  // Partial spans in front, full ones behind. Of pointers, not linked through the spans: who sweeps
  // knows which come next without having read the ones before.
  class Lists {
   public:
    void push(mspan* span, bool has_free) {
      if (has_free) {
        spans_.push_front(span);
        ++partial_;
      } else {
        spans_.push_back(span);
      }
    }
    mspan* pop_partial() { return partial_ != 0 ? pop_first() : nullptr; }
    mspan* pop_full() {
      if (spans_.size() == partial_) return nullptr;
      mspan* span = spans_.back();
      spans_.pop_back();
      return span;
    }
    // REQUIRES: not empty.
    mspan* pop_first() {
      mspan* span = spans_.front();
      spans_.pop_front();
      if (partial_ != 0) --partial_;
      return span;
    }
    bool empty() const { return spans_.empty(); }
    template <class Visit>
    void for_each(Visit& visit) const {
      for (mspan* span : spans_) visit(span);
    }

   private:
    OwnDeque<mspan*> spans_;
    size_t partial_ = 0;
  };

  ShortMutex mutex_;
  Lists lists_[2];
};

}  // namespace greyhound::gc
