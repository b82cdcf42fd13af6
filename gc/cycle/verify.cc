// SPDX-License-Identifier: MIT
#include "gc/cycle/verify.h"

#include <bit>

#include "gc/cycle/collector.h"
#include "runtime/base/check.h"

namespace greyhound::gc {
namespace {

void verify_span(const mheap& heap, const mspan* span, const char* when) {
  if (heap.span_of(span->base) != span || heap.span_of(span->base + span->bytes() - 1) != span) {
    fatal("verifyheap at %s: span %#lx is not on its pages in the page table", when, span->base);
  }
  const size_t first = heap.marks.granule(span->base) >> 6;
  for (size_t w = 0; w < size_t{span->npages} * kBitmapWordsPerPage; ++w) {
    if (heap.marks.load(first + w) != 0) {
      fatal("verifyheap at %s: span %#lx (slots of %u B) has mark bits outside a cycle", when,
            span->base, span->elem_size);
    }
    for (uint64_t bits = heap.allocs.load(first + w); bits != 0; bits &= bits - 1) {
      const uintptr_t address =
          span->base + ((w * 64 + static_cast<size_t>(std::countr_zero(bits))) << kGranuleShift);
      const FoundObject found = heap.findObject(address);
      if (found.base != address) {
        fatal("verifyheap at %s: allocation bit at %#lx is not at the base of a slot of span %#lx",
              when, address, span->base);
      }
    }
  }
}

}  // namespace

void verify_heap(Collector* collector, const char* when) {
  // Mutators may be allocating new spans meanwhile: hold them.
  const bool held = collector->world.parked();
  if (!held) collector->world.park_all();
  const uint32_t gen = collector->heap.sweepgen.load(std::memory_order_acquire);
  collector->heap.for_each_span([&](const mspan* span) {
    if (span->sweepgen != gen) fatal("verifyheap at %s: span %#lx was not swept", when, span->base);
    verify_span(collector->heap, span, when);
  });
  if (!held) collector->world.release_all();
}

}  // namespace greyhound::gc
