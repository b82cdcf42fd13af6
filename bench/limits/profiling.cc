// SPDX-License-Identifier: MIT
// What profiles cost: the same work with and without one, turn and turn about, in CPU time of the
// whole process (collector, reader thread and signal handlers included).
//
// The work is what a profile would find: garbage with pointers, a live heap that is marked, and a
// map with boxed values. What would mislead: at 100 samples a second the CPU profile's cost is far
// below what two equal turns differ by on a busy machine, so the figure is the median of the ratios
// of neighbours; `turns` says of how many, and the quartiles how far they are apart.
#include <memory>

#include "bench/limits/workloads.h"
#include "runtime/profile/cpu_profiler.h"

namespace limits {
namespace {

using greyhound::eface;
using BoxMap = greyhound::maps::Map<int64_t, eface>;

constexpr uint32_t kLiveTrees = 2;
constexpr uint32_t kLiveDepth = 15;  // 1 MiB each
constexpr uint32_t kShortDepth = 9;
constexpr uint64_t kHeapRate = 512 << 10;

uint64_t process_cpu_ns() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

// One runtime on which the work is done.
class Bench {
 public:
  explicit Bench(uint64_t mem_profile_rate) : runtime_(options(mem_profile_rate)) {}

  // Gives the process's CPU time for it. Attached meanwhile only: a thread that is attached to two
  // runtimes works with the later one.
  uint64_t work(uint64_t rounds) {
    const uint64_t start = process_cpu_ns();
    Thread thread(runtime_);
    Ref<Node>* forest = build_forest(thread, kLiveTrees, kLiveDepth);
    for (uint64_t round = 0; round < rounds; ++round) {
      for (int i = 0; i < 64; ++i) peers::consume(build(thread, kShortDepth));
      auto map = BoxMap::make();
      for (int64_t key = 0; key < 20'000; ++key)
        map.insert_or_assign(key, greyhound::runtime::to_eface(key + 1000));
      peers::consume(map);
    }
    runtime_.collect();
    peers::consume(forest);
    return process_cpu_ns() - start;
  }
  Runtime& runtime() { return runtime_; }

 private:
  static Options options(uint64_t mem_profile_rate) {
    Options options;
    options.mem_profile_rate = mem_profile_rate;
    return options;
  }

  Runtime runtime_;
};

// The ratios of with() to without(), which give times; each first in every other pair.
template <class With, class Without>
Result percent_more(uint64_t pairs, With with, Without without) {
  std::vector<double> ratios;
  with();
  without();
  for (uint64_t i = 0; i < pairs; ++i) {
    const bool with_first = i % 2 == 0;
    const double first = number(with_first ? with() : without());
    const double second = number(with_first ? without() : with());
    ratios.push_back((with_first ? first / second : second / first) * 100 - 100);
  }
  Result result{"% of CPU time", peers::median(ratios), {}};
  std::ranges::sort(ratios);
  result.with("lower_quartile", ratios[pairs / 4]).with("upper_quartile", ratios[pairs * 3 / 4]);
  return result.with("turns", number(pairs));
}

}  // namespace

Result cpu_profile_cost(bool quick) {
  Bench bench(0);
  const uint64_t rounds = quick ? 10 : 40;
  uint64_t samples = 0, dropped = 0;
  Result result = percent_more(
      quick ? 9 : 61,
      [&] {
        greyhound::runtime::CpuProfiler profiler;
        profiler.add(bench.runtime());
        const uint64_t ns = bench.work(rounds);
        const greyhound::runtime::CpuProfile profile = profiler.stop();
        samples += profile.samples;
        dropped += profile.dropped;
        return ns;
      },
      [&] { return bench.work(rounds); });
  return result.with("samples", number(samples)).with("dropped", number(dropped));
}

Result heap_profile_cost(bool quick) {
  Bench with(kHeapRate), without(0);
  const uint64_t rounds = quick ? 10 : 40;
  Result result = percent_more(
      quick ? 9 : 61, [&] { return with.work(rounds); }, [&] { return without.work(rounds); });
  uint64_t sampled = 0;
  for (const greyhound::gc::MemRecord& record : with.runtime().heap_profile())
    sampled += record.allocs;
  return result.with("samples", number(sampled));
}

}  // namespace limits
