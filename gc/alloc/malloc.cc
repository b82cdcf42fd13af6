// SPDX-License-Identifier: MIT
#include "gc/alloc/malloc.h"

#include <cstring>
#include <utility>

#include "gc/alloc/malloc_inl.h"
#include "gc/bug.h"
#include "gc/cycle/collector.h"
#include "gc/mutator/pieces.h"
#include "gc/watch/log.h"
#include "runtime/base/check.h"
#include "runtime/base/probes.h"

namespace greyhound::gc {
namespace {

// What an object of no size points to; never written.
alignas(16) constinit char zero_size_object[16] = {};

// What a mutator does between two runs: answer handshakes, start or help a cycle, stress. `bytes`:
// of the run to come.
void between_runs(Collector* collector, Mutator* mutator, size_t bytes) {
  if (collector->process.lost()) [[unlikely]]
    collector->process.require_usable();
  if (const int64_t every = collector->options().debug.gcstress; every != 0) {
    mutator->allocation().until_stress = static_cast<uint64_t>(every);
    if (collector->options().mode == Mode::kStepping || fastrand() % 4 == 0) {
      collector->collect();
    } else {
      collector->request_cycle();
    }
  }
  if (collector->pacer.should_start()) collector->coordinator.request_due_cycle();
  // By the goal, which is below the bound where that is another one: hold_back looks closely.
  if (collector->pacer.overshot(false, bytes)) [[unlikely]]
    collector->assist.hold_back(mutator, bytes);
  if (mutator->assist.debt > 0 && collector->marking())
    collector->assist.gcAssistAlloc(mutator, bytes);
}

void owe(Collector* collector, Mutator* mutator, size_t bytes) {
  if (mutator->allocation().black()) {
    mutator->assist.debt += collector->pacer.assist_work(bytes);
  } else {
    mutator->assist.debt = 0;
  }
}

// Tells the embedder; null.
void* out_of_memory(Collector* collector, size_t bytes) {
  const Options& options = collector->options();
  if (options.on_out_of_memory == nullptr) return nullptr;
  current_mutator()->set_inside(Inside::kProgram);  // which may throw
  options.on_out_of_memory(options.out_of_memory_context, bytes);
  return nullptr;
}

// Tries `attempt` again after collections; null when there is no memory all the same.
template <class Attempt>
void* with_collection(Collector* collector, size_t bytes, Attempt attempt) {
  for (int tries = 0; tries < 3; ++tries) {
    if (void* object = attempt(); object != nullptr) return object;
    if (tries < 2) collector->collect();
  }
  return out_of_memory(collector, bytes);
}

// Refills `run` until `take` gets an object out of it.
template <class Take>
void* refill_and_take(Mutator* mutator, AllocRun* run, Take take) {
  Collector* collector = mutator->collector()->driver;
  between_runs(collector, mutator, run->size);
  return with_collection(collector, run->size, [&]() -> void* {
    if (void* object = take(); object != nullptr) return object;
    if (!mutator->allocation().refill(run)) return nullptr;
    owe(collector, mutator, run->end - run->cur);
    return take();
  });
}

// Clearing more than this is done while blocked, so that no handshake waits for it.
constexpr size_t kClearBlocked = 256 << 10;

// A large object's pages, cleared.
mspan* take_cleared(Mutator* mutator, size_t size, bool walked) {
  bool zeroed = false;
  mspan* span = mutator->collector()->heap.take_large_span(size, walked, &zeroed);
  if (span == nullptr || zeroed) return span;
  mutator->clearing = span;
  {
    // Nobody else knows of these pages, so plain stores will do.
    BlockingScope blocking(size > kClearBlocked ? mutator : nullptr, "clearing a large object");
    std::memset(reinterpret_cast<void*>(span->base), 0, span->bytes());
  }
  mutator->clearing = nullptr;
  return span;
}

GREYHOUND_NOINLINE void* malloc_large(Mutator* mutator, size_t size, const Type* type) {
  Collector* collector = mutator->collector()->driver;
  if (size > collector->heap.max_heap()) return out_of_memory(collector, size);
  between_runs(collector, mutator, size);
  Layout* layout = collector->heap.layouts().intern(type, kLargeClass);
  const bool walked = type == nullptr || (type->flags & kTypeNeverWalked) == 0;
  return with_collection(collector, size, [&]() -> void* {
    mspan* span = take_cleared(mutator, size, walked);
    if (span == nullptr) return nullptr;
    // The color and the generation as they are now: a handshake may have passed while clearing.
    collector->heap.publish_large_span(span, layout, mutator->allocation().sweepgen());
    if (mutator->allocation().black() && !bug(Bug::kLargeAllocatedWhite))
      collector->heap.marks.test_and_set(span->base);
    collector->pacer.allocated(span->bytes(), mutator->allocation().black());
    mutator->allocation().count_large(span->bytes());
    collector->mem_profile.sample_large(&mutator->allocation().sampler, span->bytes());
    owe(collector, mutator, span->bytes());
    const uintptr_t object = span->base;
    GREYHOUND_PROBE2(alloc__large, size, type == nullptr ? "bytes" : type->name);
    collector->heap.push_large(span);
    return reinterpret_cast<void*>(object);
  });
}

// Rare layouts: the slot's layout is recorded beside the span before anybody can see the object.
GREYHOUND_NOINLINE void* malloc_shared(Mutator* mutator, Layout* layout) {
  Collector* collector = mutator->collector()->driver;
  AllocRun* run = mutator->allocation().shared_run(layout->size_class);
  void* object = bump(run, run->size);
  if (object == nullptr)
    object = refill_and_take(mutator, run, [run] { return bump(run, run->size); });
  if (object == nullptr) return nullptr;
  mspan* span = run->span;
  const uint32_t index = span->object_index(reinterpret_cast<uintptr_t>(object));
  std::atomic_ref<uint16_t>(span->slot_layouts[index])
      .store(static_cast<uint16_t>(layout->id), std::memory_order_relaxed);
  const uint64_t total =
      layout->shared_bytes.fetch_add(run->size, std::memory_order_relaxed) + run->size;
  if (total >= kPromoteBytes && total - run->size < kPromoteBytes)
    collector->heap.layouts().try_promote(layout);
  return object;
}

// What the fast path finds for a layout that lives in shared spans: a run with nothing in it.
constinit AllocRun no_run{.size = kGranule};

// The cache entry for `type`, filled in or brought up to date.
TypeCacheEntry* look_up(Mutator* mutator, const Type* type, SizeClass size_class) {
  TypeCacheEntry* entry = &mutator->cache.types[type_cache_index(type, size_class)];
  if (entry->type != type || entry->size_class != size_class) {
    Layout* layout = mutator->collector()->heap.layouts().intern(type, size_class);
    *entry = {type, &no_run, layout, size_class};
  }
  if (entry->run == &no_run && entry->layout->central.load(std::memory_order_acquire) != nullptr) {
    entry->run = mutator->allocation().run_for(entry->layout);
  }
  return entry;
}

void* allocate(Mutator* mutator, size_t size, const Type* type) {
  if (size > kMaxSmallSize) return malloc_large(mutator, size, type);
  const bool noscan = type == nullptr || type->noscan();
  if (noscan && size < kGranule) {
    const auto take = [&] { return bump_tiny(mutator, size); };
    if (mutator->allocation().tiny_block_end != 0) {
      mutator->cache.tiny.end = std::exchange(mutator->allocation().tiny_block_end, 0);
      mutator->allocation().sampler.due = true;
    }
    if (void* object = take(); object != nullptr) return object;
    return refill_and_take(mutator, &mutator->cache.tiny, take);
  }
  const SizeClass size_class = size_to_class(size);
  AllocRun* run = &mutator->cache.noscan[size_class];
  if (!noscan) {
    const TypeCacheEntry* entry = look_up(mutator, type, size_class);
    if (entry->run == &no_run) return malloc_shared(mutator, entry->layout);
    run = entry->run;
  }
  if (void* object = bump(run, run->size); object != nullptr) return object;
  return refill_and_take(mutator, run, [run] { return bump(run, run->size); });
}

void trace_allocation(const Options& options, const void* object, size_t size, const Type* type) {
  log_trace(options, "tracealloc(%#lx, %#zx, %s)", reinterpret_cast<uintptr_t>(object), size,
            type == nullptr ? "bytes" : type->name);
}

// For the heap profile. When every object is wanted, the next one must not find room in the open
// tiny block by the fast path.
GREYHOUND_NOINLINE void record_sample(Mutator* mutator, const void* object, const Type* type,
                                      uintptr_t frame) {
  mutator->allocation().sampler.due = false;
  if (object == nullptr) return;
  MemProfile& profile = mutator->collector()->mem_profile;
  // Of the color that it has, whatever the phase is when there is room.
  const uint64_t black_in = mutator->allocation().black() ? profile.cycle() : 0;
  if (profile.wants_room()) {
    const RootedPair rooted(mutator, object, nullptr);
    const BlockingScope blocking(mutator, "growing the heap profile");
    profile.make_room();
  }
  const auto address = reinterpret_cast<uintptr_t>(object);
  const mspan* span = mutator->collector()->heap.span_of(address);
  profile.record({.object = address,
                  .size = span->slot_bytes(),
                  .type = type,
                  .frame = frame,
                  .stack_end = mutator->stacks().end(),
                  .black_in = black_in});
  if (profile.rate() > 1) return;
  mutator->allocation().tiny_block_end = mutator->cache.tiny.end;
  mutator->cache.tiny.end = mutator->cache.tiny.cur;
}

GREYHOUND_NOINLINE void* mallocgc_slow(size_t size, const Type* type) {
  Mutator* mutator = current_mutator();
  mutator->check_stack();
  mutator->safepoint("mallocgc");
  if (size == 0) return zero_size_object;
  mutator->set_inside(Inside::kAllocation);
  void* object = allocate(mutator, size, type);
  if (mutator->allocation().sampler.due) [[unlikely]]
    record_sample(mutator, object, type, reinterpret_cast<uintptr_t>(__builtin_frame_address(0)));
  mutator->set_inside(Inside::kProgram);
  if (mutator->collector()->options().debug.allocfreetrace != 0) [[unlikely]] {
    trace_allocation(mutator->collector()->options(), object, size, type);
    mutator->cache.tiny.cur = mutator->cache.tiny.end;  // the next one comes by here, too
  }
  return object;
}

}  // namespace

GREYHOUND_NOINLINE void* mallocgc(size_t size, const Type* type) {
  if (size - 1 < kMaxSmallSize) [[likely]] {
    MutatorHot* hot = tls_mutator;
    void* object = nullptr;
    if (type != nullptr && !type->noscan()) {
      object = malloc_fast(hot, size, size_to_class(size), 0, type, false);
    } else if (size == 8) {
      // What most boxes are: a size that the compiler knows spares the arithmetic.
      object = malloc_noscan_inl<8>();
    } else {
      object = malloc_fast(hot, size, size_to_class(size), 0, nullptr, true);
    }
    if (object != nullptr) [[likely]]
      return object;
  }
  return mallocgc_slow(size, type);
}

void known_garbage(const void* object) {
  CollectorState* collector = current_mutator()->collector();
  const auto address = reinterpret_cast<uintptr_t>(object);
  if (!collector->heap.contains(address)) return;
  mspan* span = collector->heap.span_of(address);
  if (span == nullptr || span->size_class != kLargeClass) return;
  // A young one is not in the goal. Relaxed: a sweeper may be writing it, and a stale answer only
  // shifts a goal.
  if (std::atomic_ref<uint32_t>(span->live).load(std::memory_order_relaxed) == 0) return;
  collector->pacer.died(span->bytes());
}

void* newobject(const Type* type) { return mallocgc(type->size, type); }

void* newarray(const Type* type, size_t count) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(type->size, count, &bytes)) return nullptr;
  // In the next size class, one is known for an array: a loop may walk it (gc/heap/layout.cc).
  if (count == 1 && bytes <= kMaxSmallSize && !bug(Bug::kArrayOfOneIsSingle)) {
    const SizeClass single = size_to_class(bytes);
    if (is_single(*type, single)) bytes = kSizeClasses[single].size + 1;
  }
  return mallocgc(bytes, type);
}

}  // namespace greyhound::gc
