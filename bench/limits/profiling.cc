// SPDX-License-Identifier: MIT
// What profiles cost: the same work with and without one, turn and turn about, in CPU time of the
// whole process (collector, reader thread and signal handlers included).
//
// The work is what a profile would find: garbage with pointers, a live heap that is marked, and a
// map with boxed values. What would mislead: on a busy machine two equal turns differ by more than
// a profile costs, so the figure is the median of the ratios of neighbours; `turns` says of how
// many, and the quartiles how far they are apart.
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

namespace {

struct CpuCost {
  Result more;
  uint64_t samples = 0;
  uint64_t dropped = 0;
  uint64_t cpu_ns = 0;  // of the turns with a profile
  bool perf = false;
};

CpuCost cpu_cost_at(unsigned rate, uint64_t pairs, uint64_t rounds) {
  Bench bench(0);
  CpuCost cost;
  greyhound::runtime::CpuProfileOptions options;
  options.rate = rate;
  const auto with = [&] {
    greyhound::runtime::CpuProfiler profiler(options);
    profiler.add(bench.runtime());
    const uint64_t ns = bench.work(rounds);
    const greyhound::runtime::CpuProfile profile = profiler.stop();
    cost.samples += profile.samples;
    cost.dropped += profile.dropped;
    cost.cpu_ns += ns;
    cost.perf = profile.source == "perf task clock";
    return ns;
  };
  cost.more = percent_more(pairs, with, [&] { return bench.work(rounds); });
  return cost;
}

}  // namespace

// A hundred samples a second cost less than a busy machine shows, so the same is done at fifty
// times the rate, where the kernel has a clock for that, and divided.
Result cpu_profile_cost(bool quick) {
  constexpr unsigned kUsual = 100, kMany = 5000;
  const uint64_t pairs = quick ? 9 : 41, rounds = quick ? 10 : 40;
  const CpuCost usual = cpu_cost_at(kUsual, pairs, rounds);
  const CpuCost many = cpu_cost_at(kMany, pairs, rounds);
  const double per_second = number(many.samples) * 1e9 / number(many.cpu_ns);
  Result result = usual.more;
  result.with("direct", usual.more.value).with("samples", number(usual.samples));
  if (many.perf) {
    result.value = many.more.value * kUsual / per_second;
    result.with("us_per_sample", many.more.value * 1e4 / per_second);
    result.with("percent_at_many", many.more.value).with("many_per_second", per_second);
  }
  return result.with("dropped", number(usual.dropped + many.dropped));
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
