// SPDX-License-Identifier: MIT
#include "gc/mutator/mcache.h"

#include <bit>
#include <cstring>

#include "gc/bug.h"
#include "gc/heap/sweep.h"
#include "gc/mutator/collector_state.h"
#include "gc/mutator/mutator.h"
#include "runtime/base/check.h"

namespace greyhound::gc {
namespace {

// The first run of free slots at or after *slot: [*first, *last) by slot index; false when none.
bool find_run(const mheap& heap, const mspan* span, uint32_t slot, uint32_t* first,
              uint32_t* last) {
  while (slot < span->nelems && heap.allocs.test(span->object_base(slot))) ++slot;
  if (slot >= span->nelems) return false;
  *first = slot;
  // The run ends at the next allocated object, whose bit is the next one set.
  const size_t end_granule = heap.allocs.granule(span->limit() - 1) + 1;
  size_t g = heap.allocs.granule(span->object_base(slot));
  while (g < end_granule) {
    const uint64_t bits = heap.allocs.load(g >> 6) >> (g & 63);
    if (bits != 0) {
      g += static_cast<size_t>(std::countr_zero(bits));
      break;
    }
    g = (g | 63) + 1;
  }
  if (g >= end_granule) {
    *last = span->nelems;
  } else {
    *last = span->object_index(heap.base() + (g << kGranuleShift));
  }
  return true;
}

// Of a shared span, slots [first, last) hold nothing until they are handed out. A barrier between
// H1 and H2 may shade one, by an interior pointer, and a marker scan it while it is handed out: not
// by the type of what was there before.
void forget_types(mspan* span, uint32_t first, uint32_t last) {
  for (uint32_t i = first; i < last; ++i) {
    std::atomic_ref<uint16_t>(span->slot_layouts[i])
        .store(LayoutRegistry::kNoType, std::memory_order_relaxed);
  }
}

// What takes longer than a refill usually does; after a cycle every refill sweeps a span.
void trace_sweep(const Mutator& mutator, uint64_t start_ns, SizeClass size_class) {
  constexpr uint64_t kWorthAnEventNs = 5'000;
  if (monotonic_ns() - start_ns < kWorthAnEventNs) return;
  mutator.trace_since(start_ns, EventKind::kSweep, kSizeClasses[size_class].size);
}

}  // namespace

mcache::mcache(CollectorState* gc, Mutator* owner, McacheHot* hot)
    : until_stress(static_cast<uint64_t>(gc->options().debug.gcstress)),
      gc_(gc),
      owner_(owner),
      hot_(hot) {
  random.state = gc->next_seed();
  hot->tiny.size = static_cast<uint32_t>(kGranule);
  hot->tiny.layout = gc->heap.layouts().noscan(1);
  for (size_t c = 1; c < kNumSizeClasses; ++c) {
    hot->noscan[c].size = shared_[c].size = kSizeClasses[c].size;
    hot->noscan[c].layout = gc->heap.layouts().noscan(static_cast<SizeClass>(c));
  }
}

mcache::~mcache() {
  for (AllocRun* run : by_layout_) delete run;
}

mspan* mcache::take_span(const AllocRun& run) {
  mheap& heap = gc_->heap;
  const SizeClass size_class = size_to_class(run.size);
  mcentral* central = run.layout != nullptr ? run.layout->central.load(std::memory_order_acquire)
                                            : &heap.shared_central(size_class);
  if (mspan* span = central->pop_partial(sweepgen_); span != nullptr) return span;
  // Only a mutator that allocates white may look for unswept spans: its generation is the heap's
  // until it has answered the next H2, and here it cannot. One that allocates black could find the
  // generations equal, lose its processor, and find the heap's raised and the unswept spans' list
  // holding what a quicker mutator has put back since: swept, of the next generation, in use.
  const bool may_sweep = bug(Bug::kSweepsWhileBlack) ? sweepgen_ == heap.sweepgen.load() : !black_;
  if (may_sweep) {
    GREYHOUND_DCHECK(sweepgen_ == heap.sweepgen.load(std::memory_order_acquire));
    heap.sweepers.fetch_add(1, std::memory_order_seq_cst);
    const uint64_t traced_from = owner_->tracing() ? monotonic_ns() : 0;
    mspan* span = take_unswept(&heap, central, sweepgen_);
    if (traced_from != 0) trace_sweep(*owner_, traced_from, size_class);
    heap.sweepers.fetch_sub(1, std::memory_order_seq_cst);
    if (span != nullptr) return span;
  }
  const uint32_t stamp = bug(Bug::kFreshSpanTooNew) ? heap.sweepgen.load() : sweepgen_;
  return heap.allocate_small_span(run.layout, size_class, stamp);
}

bool mcache::refill(AllocRun* run) {
  mheap& heap = gc_->heap;
  count(run);
  uint32_t first = 0;
  uint32_t last = 0;
  if (run->span == nullptr || !find_run(heap, run->span, run->next_slot, &first, &last)) {
    if (run->span != nullptr) {
      run->span->central->push(run->span, false);
      run->span = nullptr;
      run->cur = run->end = run->start = 0;
    }
    while (true) {
      mspan* span = take_span(*run);
      if (span == nullptr) return false;
      run->span = span;
      run->next_slot = 0;
      if (find_run(heap, span, 0, &first, &last)) break;
      span->central->push(span, false);
      run->span = nullptr;
    }
  }
  // Under gcstress a run ends where the next collection is due, so the fast path needs no counter.
  if (const uint64_t due = until_stress; due != 0 && due < last - first) {
    last = first + static_cast<uint32_t>(due);
  }
  // And under allocfreetrace after one object, which mallocgc_slow then names.
  if (gc_->options().debug.allocfreetrace != 0) last = first + 1;
  if (const MemProfile& profile = gc_->mem_profile; profile.rate() != 0) {
    bool due = run->sample_next != 0;
    last = first + profile.cut_run(&sampler, run->size, last - first, &due);
    run->sample_next = due ? 1 : 0;
  }
  const uintptr_t start = run->span->object_base(first);
  const uintptr_t end = run->span->object_base(last);
  if (run->span->needzero) std::memset(reinterpret_cast<void*>(start), 0, end - start);
  if (run->span->slot_layouts != nullptr && !bug(Bug::kRunKeepsOldTypes))
    forget_types(run->span, first, last);
  if (black_ && !bug(Bug::kAllocateWhite)) heap.marks.set_slots(start, end, run->size, true);
  heap.allocs.set_slots(start, end, run->size, false);
  run->cur = run->start = start;
  run->end = end;
  run->next_slot = last;
  gc_->pacer.allocated(end - start, black_);
  return true;
}

void mcache::give_back(AllocRun* run, Tail tail) {
  mspan* span = run->span;
  if (span == nullptr) return;
  mheap& heap = gc_->heap;
  const bool clear_tail = tail == Tail::kFreed;
  if (run->cur < run->end && clear_tail && !bug(Bug::kKeepTailMarks)) {
    heap.allocs.clear_slots(run->cur, run->end, run->size, false);
    if (black_) heap.marks.clear_slots(run->cur, run->end, run->size, true);
    gc_->pacer.returned(run->end - run->cur, black_);
  }
  const bool has_free = (clear_tail && run->cur < run->end) || run->next_slot < span->nelems;
  span->central->push(span, has_free);
  run->span = nullptr;
  // With a tail unused, the object it was cut in front of will not be the next; drawn anew, the gap
  // is as good as the rest of the old one.
  if (run->cur < run->end) run->sample_next = 0;
  run->cur = run->end = run->start = 0;
}

// Counts what was handed out. The open tiny block is left; its objects stay of their color.
void mcache::leave_tiny_block() {
  tiny_block_end = 0;
  flush_counts();
  if (!bug(Bug::kOpenTinyBlockKept))
    hot_->tiny.cur = hot_->tiny.start = align_up(hot_->tiny.cur, kGranule);
}

// Rule 1: by atomic OR; markers may be at work on the same words.
void mcache::blacken() {
  black_ = true;
  if (bug(Bug::kSkipBlackenAtH2)) return;
  leave_tiny_block();
  for_each_run([&](AllocRun& run) {
    if (run.cur >= run.end) return;
    gc_->heap.marks.set_slots(run.cur, run.end, run.size, true);
    gc_->pacer.blackened(run.end - run.cur);
  });
}

void mcache::whiten() {
  drop(Tail::kFreed);
  black_ = false;
  sweepgen_ = gc_->heap.sweepgen.load(std::memory_order_acquire);
}

void mcache::drop(Tail tail) {
  leave_tiny_block();
  for_each_run([&](AllocRun& run) { give_back(&run, tail); });
  for (TypeCacheEntry& entry : hot_->types) entry = {};
}

void mcache::forget() {
  for_each_run([](AllocRun& run) { run.cur = run.end = 0; });
  tiny_block_end = 0;
}

AllocRun* mcache::run_for(Layout* layout) {
  if (layout->id >= by_layout_.size()) by_layout_.resize(layout->id + 1, nullptr);
  AllocRun*& run = by_layout_[layout->id];
  if (run == nullptr) {
    run = new AllocRun;
    run->size = kSizeClasses[layout->size_class].size;
    run->layout = layout;
  }
  return run;
}

// Notes what `run` handed out since it was last counted; cheap, for refills.
void mcache::count(AllocRun* run) {
  const uint64_t used = run->cur - run->start;
  run->start = run->cur;
  counted_bytes_ += used;
  if (run != &hot_->tiny)
    counted_objects_ += used / run->size;  // tiny objects have a counter of their own
}

void mcache::flush_counts() {
  for_each_run([this](AllocRun& run) { count(&run); });
  counted_objects_ += hot_->tiny_allocs - flushed_tiny_;
  flushed_tiny_ = hot_->tiny_allocs;
  gc_->counters.add_allocs(counted_objects_, counted_bytes_);
  counted_objects_ = counted_bytes_ = 0;
}

void mcache::count_large(size_t bytes) { gc_->counters.add_allocs(1, bytes); }

}  // namespace greyhound::gc
