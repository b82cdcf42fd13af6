// SPDX-License-Identifier: MIT
#include "gc/heap/sweep.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <thread>
#include <vector>

#include "gc/bug.h"
#include "gc/cycle/collector.h"
#include "gc/watch/log.h"
#include "runtime/base/check.h"

namespace greyhound::gc {
namespace {

// A mutator that looks for a span gives up on full-looking ones after this many, as Go does.
constexpr int kMaxFullSpansSwept = 64;

// Two words side by side, which is what every x86-64 and every AArch64 has registers for.
using Lanes = uint64_t __attribute__((vector_size(16)));
constexpr size_t kLanes = sizeof(Lanes) / sizeof(uint64_t);
constexpr size_t kLineWords = 8;
static_assert(kBitmapWordsPerPage % kLineWords == 0);

// Moves a cache line of marks to the allocation bits and clears it; gives the number of bits that
// were set. They are counted in each byte, up to 8 of them, and the line's bytes then added up: an
// instruction that counts is not on every processor, and a call of the library's for each word was
// a third of the sweep.
GREYHOUND_INLINE uint32_t take_line(uint64_t* marks, uint64_t* allocs) {
  constexpr auto both = [](uint64_t word) { return Lanes{word, word}; };
  Lanes bytes{};
  for (size_t w = 0; w < kLineWords; w += kLanes) {
    Lanes bits;
    std::memcpy(&bits, marks + w, sizeof bits);
    std::memcpy(allocs + w, &bits, sizeof bits);
    bits -= (bits >> 1) & both(0x5555555555555555);
    bits = (bits & both(0x3333333333333333)) + ((bits >> 2) & both(0x3333333333333333));
    bytes += (bits + (bits >> 4)) & both(0x0f0f0f0f0f0f0f0f);
  }
  std::memset(marks, 0, kLineWords * sizeof(uint64_t));
  // A byte is at most 4 * 8, so the sums of pairs of bytes fit 16 bits, and all of them do.
  const uint64_t sum = bytes[0] + bytes[1];
  constexpr uint64_t kEven = 0x00ff00ff00ff00ff;
  return static_cast<uint32_t>((((sum & kEven) + ((sum >> 8) & kEven)) * 0x0001000100010001) >> 48);
}

void clobber_dead(Heap* heap, const mspan* span) {
  for (uint32_t i = 0; i < span->nelems; ++i) {
    const uintptr_t object = span->object_base(i);
    if (!heap->allocs.test(object) || heap->marks.test(object)) continue;
    auto* words = reinterpret_cast<uint64_t*>(object);
    const size_t bytes = span->size_class == kLargeClass ? span->bytes() : span->elem_size;
    for (size_t w = 0; w < bytes / 8; ++w) words[w] = 0xdeadbeefdeadbeef;
  }
}

void trace_dead(const Options& options, const Heap& heap, const mspan* span) {
  for (uint32_t i = 0; i < span->nelems; ++i) {
    const uintptr_t object = span->object_base(i);
    if (!heap.allocs.test(object) || heap.marks.test(object)) continue;
    log_trace(options, "tracefree(%#lx, %#zx)", object,
              span->size_class == kLargeClass ? span->bytes() : span->elem_size);
  }
}

// The first run of free slots at or after *slot: [*first, *last) by slot index; false when none.
bool find_run(const Heap& heap, const mspan* span, uint32_t slot, uint32_t* first, uint32_t* last) {
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

mspan* take_unswept(Collector* collector, mcentral* central, uint32_t gen) {
  while (mspan* span = central->pop_partial(gen - 1)) {
    if (sweep_span(collector, span, gen) < span->nelems) return span;
    central->push(span, false);
  }
  for (int i = 0; i < kMaxFullSpansSwept; ++i) {
    mspan* span = central->pop_full(gen - 1);
    if (span == nullptr) return nullptr;
    if (sweep_span(collector, span, gen) < span->nelems) return span;
    central->push(span, false);
  }
  return nullptr;
}

// What takes longer than a refill usually does; after a cycle every refill sweeps a span.
void trace_sweep(const Mutator& mutator, uint64_t start_ns, SizeClass size_class) {
  constexpr uint64_t kWorthAnEventNs = 5'000;
  if (monotonic_ns() - start_ns < kWorthAnEventNs) return;
  mutator.trace_since(start_ns, EventKind::kSweep, kSizeClasses[size_class].size);
}

mspan* take_span(Collector* collector, Mutator* mutator, AllocRun* run) {
  Heap& heap = collector->heap;
  const SizeClass size_class = size_to_class(run->size);
  mcentral* central = run->layout != nullptr ? run->layout->central.load(std::memory_order_acquire)
                                             : &heap.shared_central(size_class);
  const uint32_t gen = mutator->sweepgen();
  if (mspan* span = central->pop_partial(gen); span != nullptr) return span;
  // Only a mutator that allocates white may look for unswept spans: its generation is the heap's
  // until it has answered the next H2, and here it cannot. One that allocates black could find the
  // generations equal, lose its processor, and find the heap's raised and the unswept spans' list
  // holding what a quicker mutator has put back since: swept, of the next generation, in use.
  const bool may_sweep =
      bug(Bug::kSweepsWhileBlack) ? gen == heap.sweepgen.load() : !mutator->alloc_black();
  if (may_sweep) {
    GREYHOUND_DCHECK(gen == heap.sweepgen.load(std::memory_order_acquire));
    collector->sweepers.fetch_add(1, std::memory_order_seq_cst);
    const uint64_t traced_from = mutator->tracing() ? monotonic_ns() : 0;
    mspan* span = take_unswept(collector, central, gen);
    if (traced_from != 0) trace_sweep(*mutator, traced_from, size_class);
    collector->sweepers.fetch_sub(1, std::memory_order_seq_cst);
    if (span != nullptr) return span;
  }
  const uint32_t stamp = bug(Bug::kFreshSpanTooNew) ? heap.sweepgen.load() : gen;
  return heap.allocate_small_span(run->layout, size_class, stamp);
}

}  // namespace

uint32_t sweep_span(Collector* collector, mspan* span, uint32_t gen) {
  Heap& heap = collector->heap;
  GREYHOUND_DCHECK(span->sweepgen + 1 == gen);
  if (collector->options().debug.allocfreetrace != 0) trace_dead(collector->options(), heap, span);
  if (heap.clobber_free.load(std::memory_order_relaxed)) clobber_dead(&heap, span);
  // Exclusive: nobody marks now and the caller owns the span, so plain accesses (which the compiler
  // turns into vector code) are enough.
  uint64_t* marks = heap.marks.word(span->base);
  uint64_t* allocs = heap.allocs.word(span->base);
  // Of a large object only the first bit is ever set; the rest of its first page's line is zeros.
  const size_t words =
      span->size_class == kLargeClass ? kLineWords : size_t{span->npages} * kBitmapWordsPerPage;
  uint32_t live = 0;
  for (size_t w = 0; w < words; w += kLineWords) live += take_line(marks + w, allocs + w);
  if (bug(Bug::kSweepDropsMarkedWord) && live > 0) {
    for (size_t w = words; w-- > 0;) {
      if (allocs[w] == 0) continue;
      allocs[w] &= allocs[w] - 1;
      --live;
      break;
    }
  }
  std::atomic_ref<uint32_t>(span->live).store(live, std::memory_order_relaxed);
  span->needzero = true;
  span->sweepgen = gen;
  return live;
}

bool refill(Collector* collector, Mutator* mutator, AllocRun* run) {
  Heap& heap = collector->heap;
  mutator->count_run(run);
  uint32_t first = 0;
  uint32_t last = 0;
  if (run->span == nullptr || !find_run(heap, run->span, run->next_slot, &first, &last)) {
    if (run->span != nullptr) {
      run->span->central->push(run->span, false);
      run->span = nullptr;
      run->cur = run->end = run->start = 0;
    }
    while (true) {
      mspan* span = take_span(collector, mutator, run);
      if (span == nullptr) return false;
      run->span = span;
      run->next_slot = 0;
      if (find_run(heap, span, 0, &first, &last)) break;
      span->central->push(span, false);
      run->span = nullptr;
    }
  }
  // Under gcstress a run ends where the next collection is due, so the fast path needs no counter.
  if (const uint64_t due = mutator->allocs_until_stress; due != 0 && due < last - first) {
    last = first + static_cast<uint32_t>(due);
  }
  // And under allocfreetrace after one object, which mallocgc_slow then names.
  if (collector->options().debug.allocfreetrace != 0) last = first + 1;
  if (const MemProfile& profile = collector->mem_profile; profile.rate() != 0)
    last = profile.cut_run(mutator, run, first, last);
  const uintptr_t start = run->span->object_base(first);
  const uintptr_t end = run->span->object_base(last);
  if (run->span->needzero) std::memset(reinterpret_cast<void*>(start), 0, end - start);
  if (run->span->slot_layouts != nullptr && !bug(Bug::kRunKeepsOldTypes))
    forget_types(run->span, first, last);
  if (mutator->alloc_black() && !bug(Bug::kAllocateWhite))
    heap.marks.set_slots(start, end, run->size, true);
  heap.allocs.set_slots(start, end, run->size, false);
  run->cur = run->start = start;
  run->end = end;
  run->next_slot = last;
  collector->pacer.allocated(end - start, mutator->alloc_black());
  return true;
}

void return_run(Collector* collector, Mutator* mutator, AllocRun* run, bool clear_tail) {
  mspan* span = run->span;
  if (span == nullptr) return;
  Heap& heap = collector->heap;
  if (run->cur < run->end && clear_tail && !bug(Bug::kKeepTailMarks)) {
    heap.allocs.clear_slots(run->cur, run->end, run->size, false);
    if (mutator->alloc_black()) heap.marks.clear_slots(run->cur, run->end, run->size, true);
    collector->pacer.returned(run->end - run->cur, mutator->alloc_black());
  }
  const bool has_free = (clear_tail && run->cur < run->end) || run->next_slot < span->nelems;
  span->central->push(span, has_free);
  run->span = nullptr;
  // With a tail unused, the object it was cut in front of will not be the next; drawn anew, the gap
  // is as good as the rest of the old one.
  if (run->cur < run->end) run->sample_next = 0;
  run->cur = run->end = run->start = 0;
}

namespace {

// So many spans at a time: a mutator that refills waits for the lists' locks only while spans
// change hands, not while they are swept.
constexpr size_t kSpansAtATime = 32;

// Brings into the cache what a sweep of these spans reads and writes. No load waits for another
// span's, so a processor begins several at once. The marks by a load, not by a prefetch, which a
// processor may give up on a page whose translation it does not have: 3.5 ms a GiB against 4.5.
void fetch_bitmaps(const Heap& heap, const std::vector<mspan*>& spans) {
  for (const mspan* span : spans) {
    asm volatile("" : : "r"(*heap.marks.word(span->base)));
    __builtin_prefetch(heap.allocs.word(span->base), 1);
  }
}

size_t sweep_large(Collector* collector, uint32_t gen) {
  size_t swept = 0;
  while (mspan* span = collector->heap.pop_large(gen - 1)) {
    if (sweep_span(collector, span, gen) == 0) {
      SpanList dead;
      dead.push(span);
      collector->heap.free_spans(&dead);
    } else {
      collector->heap.push_large(span);
    }
    ++swept;
  }
  return swept;
}

// Sweeps spans that nobody wants to allocate from right now; empty ones go back to the heap.
size_t sweep_central(Collector* collector, mcentral* central, uint32_t gen) {
  Heap& heap = collector->heap;
  size_t swept = 0;
  std::vector<mspan*> taken, partial, full;
  while (central->pop_some(gen - 1, kSpansAtATime, &taken), !taken.empty()) {
    fetch_bitmaps(heap, taken);
    SpanList dead;
    for (mspan* span : taken) {
      const uint32_t live = sweep_span(collector, span, gen);
      if (live == 0) {
        dead.push(span);
      } else {
        (live < span->nelems ? partial : full).push_back(span);
      }
    }
    central->push_some(gen, &partial, &full);
    heap.free_spans(&dead);
    swept += taken.size();
    taken.clear();
  }
  return swept;
}

}  // namespace

size_t sweep_all(Collector* collector) {
  Heap& heap = collector->heap;
  const uint32_t gen = heap.sweepgen.load(std::memory_order_acquire);
  size_t swept = sweep_large(collector, gen);
  for (size_t c = 1; c < kNumSizeClasses; ++c) {
    swept += sweep_central(collector, &heap.shared_central(static_cast<SizeClass>(c)), gen);
  }
  for (uint32_t id = 0; id < heap.layouts().count(); ++id) {
    mcentral* central = heap.layouts().by_id(id)->central.load(std::memory_order_acquire);
    if (central != nullptr) swept += sweep_central(collector, central, gen);
  }
  // A mutator counts itself before it looks into a list, so with the lists empty and nobody counted
  // nothing is unswept. It sweeps a few spans at most.
  while (collector->sweepers.load(std::memory_order_seq_cst) != 0) std::this_thread::yield();
  return swept;
}

}  // namespace greyhound::gc
