// SPDX-License-Identifier: MIT
#include "gc/heap/sweep.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <thread>
#include <vector>

#include "gc/bug.h"
#include "gc/heap/describe.h"
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

// Moves a cache line of marks to the allocation bits and clears it; returns the number of bits that
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

void clobber_dead(mheap* heap, const mspan* span) {
  for (uint32_t i = 0; i < span->nelems; ++i) {
    const uintptr_t object = span->object_base(i);
    if (!heap->allocs.test(object) || heap->marks.test(object)) continue;
    auto* words = reinterpret_cast<uint64_t*>(object);
    const size_t bytes = span->size_class == kLargeClass ? span->bytes() : span->elem_size;
    for (size_t w = 0; w < bytes / 8; ++w) words[w] = kClobbered;
  }
}

void trace_dead(const mheap& heap, const mspan* span) {
  for (uint32_t i = 0; i < span->nelems; ++i) {
    const uintptr_t object = span->object_base(i);
    if (!heap.allocs.test(object) || heap.marks.test(object)) continue;
    log_trace(heap.options(), "tracefree(%#lx, %#zx)", object,
              span->size_class == kLargeClass ? span->bytes() : span->elem_size);
  }
}

}  // namespace

uint32_t sweep_span(mheap* heap, mspan* span, uint32_t gen) {
  GREYHOUND_DCHECK(span->sweepgen + 1 == gen);
  if (heap->options().debug.allocfreetrace != 0) trace_dead(*heap, span);
  if (heap->clobber_free.load(std::memory_order_relaxed)) clobber_dead(heap, span);
  // Exclusive: nobody marks now and the caller owns the span, so plain accesses (which the compiler
  // turns into vector code) are enough.
  uint64_t* marks = heap->marks.word(span->base);
  uint64_t* allocs = heap->allocs.word(span->base);
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

mspan* take_unswept(mheap* heap, mcentral* central, uint32_t gen) {
  while (mspan* span = central->pop_partial(gen - 1)) {
    if (sweep_span(heap, span, gen) < span->nelems) return span;
    central->push(span, false);
  }
  for (int i = 0; i < kMaxFullSpansSwept; ++i) {
    mspan* span = central->pop_full(gen - 1);
    if (span == nullptr) return nullptr;
    if (sweep_span(heap, span, gen) < span->nelems) return span;
    central->push(span, false);
  }
  return nullptr;
}

namespace {

// So many spans at a time: a mutator that refills waits for the lists' locks only while spans
// change hands, not while they are swept.
constexpr size_t kSpansAtATime = 32;

// Brings into the cache what a sweep of these spans reads and writes. No load waits for another
// span's, so a processor begins several at once. The marks by a load, not by a prefetch, which a
// processor may give up on a page whose translation it does not have: 3.5 ms a GiB against 4.5.
void fetch_bitmaps(const mheap& heap, const std::vector<mspan*>& spans) {
  for (const mspan* span : spans) {
    asm volatile("" : : "r"(*heap.marks.word(span->base)));
    __builtin_prefetch(heap.allocs.word(span->base), 1);
  }
}

size_t sweep_large(mheap* heap, uint32_t gen) {
  size_t swept = 0;
  while (mspan* span = heap->pop_large(gen - 1)) {
    if (sweep_span(heap, span, gen) == 0) {
      SpanList dead;
      dead.push(span);
      heap->free_spans(&dead);
    } else {
      heap->push_large(span);
    }
    ++swept;
  }
  return swept;
}

// Sweeps spans that nobody wants to allocate from right now; empty ones go back to the heap.
size_t sweep_central(mheap* heap, mcentral* central, uint32_t gen) {
  size_t swept = 0;
  std::vector<mspan*> taken, partial, full;
  while (central->pop_some(gen - 1, kSpansAtATime, &taken), !taken.empty()) {
    fetch_bitmaps(*heap, taken);
    SpanList dead;
    for (mspan* span : taken) {
      const uint32_t live = sweep_span(heap, span, gen);
      if (live == 0) {
        dead.push(span);
      } else {
        (live < span->nelems ? partial : full).push_back(span);
      }
    }
    central->push_some(gen, &partial, &full);
    heap->free_spans(&dead);
    swept += taken.size();
    taken.clear();
  }
  return swept;
}

}  // namespace

size_t sweep_all(mheap* heap) {
  const uint32_t gen = heap->sweepgen.load(std::memory_order_acquire);
  size_t swept = sweep_large(heap, gen);
  for (size_t c = 1; c < kNumSizeClasses; ++c) {
    swept += sweep_central(heap, &heap->shared_central(static_cast<SizeClass>(c)), gen);
  }
  for (uint32_t id = 0; id < heap->layouts().count(); ++id) {
    mcentral* central = heap->layouts().by_id(id)->central.load(std::memory_order_acquire);
    if (central != nullptr) swept += sweep_central(heap, central, gen);
  }
  // A mutator counts itself before it looks into a list, so with the lists empty and nobody counted
  // nothing is unswept. It sweeps a few spans at most.
  while (heap->sweepers.load(std::memory_order_seq_cst) != 0) std::this_thread::yield();
  return swept;
}

}  // namespace greyhound::gc
