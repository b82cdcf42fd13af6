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
#include <mutex>

#include "gc/mspan.h"
#include "gc/short_mutex.h"
#include "gc/wait_profile.h"

namespace greyhound::gc {

class mcentral {
 public:
  mspan* pop_partial(uint32_t gen) { return pop(&partial_[gen & 1]); }
  mspan* pop_full(uint32_t gen) { return pop(&full_[gen & 1]); }
  void push(mspan* span, bool has_free) {
    ProfiledLock lock(mutex_, "lock: central list");
    (has_free ? partial_ : full_)[span->sweepgen & 1].push(span);
  }
  // Several at a time, for who sweeps them all: moves up to `most` spans of generation `gen`, the
  // partial ones first, to the end of *taken; gives their number.
  size_t pop_some(uint32_t gen, size_t most, SpanList* taken) {
    ProfiledLock lock(mutex_, "lock: central list");
    size_t count = 0;
    for (SpanList* list : {&partial_[gen & 1], &full_[gen & 1]}) {
      for (; count < most && !list->empty(); ++count) taken->append(list->pop());
    }
    return count;
  }
  // Takes both lists, of swept spans of generation `gen`. Those with room go to the front, from
  // where a mutator takes one: of the latest, the bitmaps are still in a cache.
  void splice(uint32_t gen, SpanList* partial, SpanList* full) {
    ProfiledLock lock(mutex_, "lock: central list");
    partial_[gen & 1].splice_front(partial);
    full_[gen & 1].splice_back(full);
  }
  template <class Visit>
  void for_each(Visit visit) {
    ProfiledLock lock(mutex_, "lock: central list");
    for (SpanList* lists : {partial_, full_}) {
      for (int parity = 0; parity < 2; ++parity) {
        for (mspan* span = lists[parity].head(); span != nullptr; span = span->next) visit(span);
      }
    }
  }

 private:
  mspan* pop(SpanList* list) {
    ProfiledLock lock(mutex_, "lock: central list");
    return list->pop();
  }

  ShortMutex mutex_;
  SpanList partial_[2];
  SpanList full_[2];
};

}  // namespace greyhound::gc
