// SPDX-License-Identifier: MIT
// What scanning stacks costs: copying a deep one, which holds its thread, and resolving its words,
// which does not.
#include <pthread.h>

#include <atomic>
#include <thread>

#include "bench/limits/workloads.h"
#include "gc/cycle/collector.h"
#include "gc/mark/root_resolver.h"

namespace limits {
namespace {

using greyhound::gc::for_each_root_object;
using greyhound::gc::FoundObject;
using greyhound::gc::mheap;

using greyhound::gc::thread_cpu_ns;

// --- the copy ------------------------------------------------------------------------------------

struct DeepStack {
  uint64_t bytes;
  uint64_t every;  // one word of so many is a pointer; 0: none
  Runtime* runtime;
  double first_ms = 0;  // of the thread's own processor time, the longest answer of a cycle
  double later_ms = 0;
};

double longest_answer_ms(Thread& thread, Runtime& runtime) {
  std::atomic<bool> over{false};
  std::thread collecting([&] {
    runtime.collect();
    over = true;
  });
  uint64_t longest = 0;
  while (!over) {
    const uint64_t start = thread_cpu_ns();
    thread.safepoint();
    longest = std::max(longest, thread_cpu_ns() - start);
  }
  collecting.join();
  return number(longest) * 1e-6;
}

GREYHOUND_NOINLINE void fill_and_measure(Thread& thread, DeepStack* deep) {
  const uint64_t count = deep->bytes / sizeof(Node*);
  auto* words = static_cast<Node* volatile*>(__builtin_alloca(deep->bytes));
  Node* node = thread.make<Node>();
  for (uint64_t i = 0; i < count; i++)
    words[i] = deep->every != 0 && i % deep->every == 0 ? node : nullptr;
  deep->first_ms = longest_answer_ms(thread, *deep->runtime);
  deep->later_ms = longest_answer_ms(thread, *deep->runtime);
  words[count / 2] = nullptr;  // until here
}

void* run_deep(void* argument) {
  auto* deep = static_cast<DeepStack*>(argument);
  Thread thread(*deep->runtime);
  fill_and_measure(thread, deep);
  return nullptr;
}

DeepStack measure_deep(uint64_t bytes, uint64_t every) {
  Runtime runtime;
  DeepStack deep{bytes, every, &runtime};
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, bytes + 8 * kMiB);
  pthread_t thread;
  expect(pthread_create(&thread, &attributes, run_deep, &deep) == 0, "a thread with a deep stack");
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  return deep;
}

// --- its words -----------------------------------------------------------------------------------

struct Item {
  Ref<Item> next;
  std::array<int64_t, 7> numbers;
};

// Nanoseconds a word, and objects found a word.
struct Resolved {
  double ns = 0;
  double objects = 0;
};

template <class Resolve>
Resolved measure(const std::vector<uintptr_t>& words, Resolve resolve) {
  const uint64_t start = thread_cpu_ns();
  const uint64_t objects = resolve(words);
  const double ns = number(thread_cpu_ns() - start);
  const double count = number(words.size());
  return {ns / count, number(objects) / count};
}

// As H3 does but that no mark is set: with the words' neighbours, and without them as for words
// that are known to be pointers.
uint64_t resolve(const mheap& heap, const std::vector<uintptr_t>& words) {
  uint64_t objects = 0;
  for_each_root_object(heap, words.data(), words.size(), [&](const FoundObject& object) {
    objects += heap.marks.test(object.base) ? 0 : 1;
  });
  return objects;
}

uint64_t resolve_exactly(const mheap& heap, const std::vector<uintptr_t>& words) {
  uint64_t objects = 0;
  for (const uintptr_t word : words) {
    const FoundObject found = heap.findObject(word);
    if (found.base != 0 && heap.allocs.test(found.base) && !heap.marks.test(found.base)) ++objects;
  }
  return objects;
}

}  // namespace

Result deep_stack(bool quick) {
  const uint64_t bytes = (quick ? 16 : 64) * kMiB;
  const double mib = number(bytes / kMiB);
  const DeepStack full = measure_deep(bytes, 1);
  const DeepStack eighth = measure_deep(bytes, 8);
  const DeepStack empty = measure_deep(bytes, 0);
  Result result{"ms CPU / MiB", full.first_ms / mib, {}};
  result.with("full_again", full.later_ms / mib).with("eighth", eighth.first_ms / mib);
  result.with("eighth_again", eighth.later_ms / mib).with("none", empty.first_ms / mib);
  return result.with("stack_bytes", number(bytes));
}

Result root_words(bool quick) {
  Runtime runtime;
  Thread thread(runtime);
  const uint64_t count = (quick ? 256 : 1024) * kMiB / sizeof(Item);
  auto* items = thread.make_array<Ref<Item>>(count);
  for (uint64_t i = 0; i < count; i++) items[i] = thread.make<Item>();
  runtime.collect();
  const mheap& heap = runtime.collector().heap;
  Random random(1);
  std::vector<uintptr_t> bases(quick ? 100'000 : 1'000'000);
  for (uintptr_t& word : bases)
    word = reinterpret_cast<uintptr_t>(items[random.next() % count].get());
  std::vector<uintptr_t> fields = bases;
  for (uintptr_t& word : fields) word += sizeof(int64_t) * (1 + random.next() % 7);
  Resolved exact, base, field;
  for (int round = 0; round < 3; round++) {  // the last one counts, interleaved
    exact = measure(bases, [&](const auto& words) { return resolve_exactly(heap, words); });
    base = measure(bases, [&](const auto& words) { return resolve(heap, words); });
    field = measure(fields, [&](const auto& words) { return resolve(heap, words); });
  }
  Result result{"ns CPU / word", base.ns, {}};
  result.with("without_neighbours", exact.ns).with("interior", field.ns);
  result.with("objects_a_base", base.objects).with("objects_an_interior", field.objects);
  return result.with("live_bytes", number(count * sizeof(Item)));
}

}  // namespace limits
