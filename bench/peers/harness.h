// SPDX-License-Identifier: MIT
//
// What every C++ peer program shares: the random numbers, the keys, the clocks, the timing loop,
// the latency histogram, and the command line with its one JSON line. The Go program in go/ has the
// same code by the same names, so that two peers differ only in what they measure. README.md beside
// this file specifies the workloads.
//
// Depends on the C++ library and Linux's /proc only: a peer links nothing that it does not name.
// Everything here belongs to one thread, the one that runs main().

#ifndef BENCH_PEERS_HARNESS_H_
#define BENCH_PEERS_HARNESS_H_

#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace peers {

// --- numbers and keys ---------------------------------------------------------------------------

// The finalizer of splitmix64 (Steele, Lea, Flood 2014), a bijection: distinct i give distinct
// keys.
inline uint64_t mix64(uint64_t i) {
  uint64_t z = (i + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

// splitmix64: the n-th number of seed s is mix64 shifted by s, so Random(0) yields mix64(0),
// mix64(1), …
class Random {
 public:
  explicit Random(uint64_t seed) : next_(seed) {}
  uint64_t next() { return mix64(next_++); }

 private:
  uint64_t next_;
};

constexpr uint64_t kShuffleSeed = 0x6772657968756E64u;  // "greyhund"

inline int64_t int_key(uint64_t i) { return static_cast<int64_t>(mix64(i)); }

// "key-" and twelve digits: 16 bytes, one more than std::string keeps inside itself.
inline std::string string_key(uint64_t i) {
  char text[17] = "key-000000000000";
  for (int at = 15; i != 0; i /= 10) text[at--] = static_cast<char>('0' + i % 10);
  return std::string(text, 16);
}

// 0 … n-1 in the one order that every peer probes in (Fisher–Yates from the end).
inline std::vector<uint32_t> shuffled_indices(uint32_t n) {
  std::vector<uint32_t> order(n);
  for (uint32_t i = 0; i < n; i++) order[i] = i;
  Random random(kShuffleSeed);
  for (uint32_t i = n; i > 1; i--) std::swap(order[i - 1], order[random.next() % i]);
  return order;
}

// --- clocks and the process ----------------------------------------------------------------------

inline uint64_t now_ns() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1000000000u + static_cast<uint64_t>(t.tv_nsec);
}

// User plus system time of the whole process, collector threads included.
inline double cpu_seconds() {
  rusage use;
  getrusage(RUSAGE_SELF, &use);
  return static_cast<double>(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
         static_cast<double>(use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1e-6;
}

// Peak resident set of this program. Not getrusage's ru_maxrss: that survives exec, and so starts
// at the size of whoever started us.
inline uint64_t peak_rss_kb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::strtoull(line.c_str() + 6, nullptr, 10);
  }
  throw std::runtime_error("/proc/self/status has no VmHWM line");
}

// The compiler must assume that the value is read and all memory changed.
template <typename T>
inline void consume(const T& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

inline void expect(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(std::string("wrong result: ") + what);
}

// --- results -------------------------------------------------------------------------------------

struct Result {
  std::string unit;
  double value = 0;
  std::vector<std::pair<std::string, double>> extra;

  Result& with(std::string name, double figure) {
    extra.emplace_back(std::move(name), figure);
    return *this;
  }
};

inline double target_seconds(bool quick) { return quick ? 0.1 : 0.3; }

// Runs `run(n)`, which does n rounds of `ops_per_round` operations, for the target time and gives
// nanoseconds per operation. Warm-up: n doubles from 1 until a call takes an eighth of the target.
// `starting()` is called between the warm-up and the timed call.
template <typename Run, typename Starting = void (*)()>
Result time_per_op(
    bool quick, uint64_t ops_per_round, Run run, Starting starting = [] {}) {
  const double target = target_seconds(quick) * 1e9;
  uint64_t rounds = 1;
  double took = 0;
  for (;; rounds *= 2) {
    const uint64_t start = now_ns();
    run(rounds);
    took = static_cast<double>(now_ns() - start);
    if (took >= target / 8) break;
  }
  rounds = static_cast<uint64_t>(static_cast<double>(rounds) * target / took) + 1;
  starting();
  const double cpu = cpu_seconds();
  const uint64_t start = now_ns();
  run(rounds);
  took = static_cast<double>(now_ns() - start);
  const double ops = static_cast<double>(rounds) * static_cast<double>(ops_per_round);
  Result result{"ns/op", took / ops, {}};
  result.with("ops", ops).with("cpu_ns", (cpu_seconds() - cpu) * 1e9 / ops);
  return result;
}

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

// Times `collect`, one full forced collection, `cycles` times after one warm-up.
// Gives {median wall seconds, median CPU seconds of the process}.
template <typename Collect>
std::pair<double, double> time_cycles(int cycles, Collect collect) {
  collect();
  std::vector<double> wall, cpu;
  for (int i = 0; i < cycles; i++) {
    const double cpu_start = cpu_seconds();
    const uint64_t start = now_ns();
    collect();
    wall.push_back(static_cast<double>(now_ns() - start) * 1e-9);
    cpu.push_back(cpu_seconds() - cpu_start);
  }
  return {median(wall), median(cpu)};
}

// --- latency -------------------------------------------------------------------------------------

// Counts by value with 128 steps an octave (under 0.8 % wide); the maximum is kept exactly. Fixed
// size and never on a managed heap, so recording neither allocates nor changes the pacing.
class LatencyHistogram {
 public:
  void record(uint64_t ns) {
    counts_[step(ns)]++;
    total_++;
    max_ = std::max(max_, ns);
  }

  // The least recorded step that at least a share q of all values do not exceed.
  double percentile_ms(double q) const {
    const auto wanted = static_cast<uint64_t>(q * static_cast<double>(total_));
    uint64_t seen = 0;
    for (uint32_t i = 0; i < kSteps; i++) {
      seen += counts_[i];
      if (seen > wanted) return static_cast<double>(std::min(upper_bound(i), max_)) * 1e-6;
    }
    return max_ms();
  }

  double max_ms() const { return static_cast<double>(max_) * 1e-6; }
  uint64_t total() const { return total_; }

 private:
  static constexpr uint32_t kSteps = 58 * 128;

  static uint32_t step(uint64_t ns) {
    if (ns < 128) return static_cast<uint32_t>(ns);
    const auto shift = static_cast<uint32_t>(std::bit_width(ns)) - 8;
    return shift * 128 + static_cast<uint32_t>(ns >> shift);
  }
  static uint64_t upper_bound(uint32_t step) {
    if (step < 256) return step;
    const uint32_t shift = step / 128 - 1;
    return ((uint64_t{step - shift * 128} + 1) << shift) - 1;
  }

  uint64_t counts_[kSteps] = {};
  uint64_t total_ = 0;
  uint64_t max_ = 0;
};

// Runs `operation` back to back for the workload's time, but at most `most_ops` times. An operation
// starts where the last one ended, so no stall falls between two of them. `starting()` as above.
template <typename Operation, typename Starting = void (*)()>
Result time_latency(
    bool quick, Operation operation, Starting starting = [] {}, uint64_t most_ops = UINT64_MAX) {
  for (int i = 0; i < 1000; i++) operation();
  starting();
  static LatencyHistogram histogram;
  const double cpu = cpu_seconds();
  const uint64_t first = now_ns();
  const uint64_t end = first + (quick ? 3u : 10u) * 1000000000ull;
  uint64_t start = first;
  while (start < end && histogram.total() < most_ops) {
    operation();
    const uint64_t stop = now_ns();
    histogram.record(stop - start);
    start = stop;
  }
  Result result{"ms p99.9", histogram.percentile_ms(0.999), {}};
  const auto ops = static_cast<double>(histogram.total());
  result.with("p50", histogram.percentile_ms(0.5)).with("p99", histogram.percentile_ms(0.99));
  result.with("p999", result.value).with("max", histogram.max_ms()).with("ops", ops);
  result.with("mean", static_cast<double>(start - first) * 1e-6 / ops);
  result.with("cpu_ns", (cpu_seconds() - cpu) * 1e9 / ops);
  return result;
}

// --- the command line ----------------------------------------------------------------------------

struct Workload {
  std::string name;
  std::function<Result(bool quick)> run;
};

// Fails when an allocator that this peer does not name has been linked or preloaded.
inline void check_libraries(const char* allowed) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    for (const char* library : {"libmimalloc", "libgc.so", "libjemalloc", "libtcmalloc"}) {
      if (line.find(library) != std::string::npos && std::strcmp(library, allowed) != 0) {
        throw std::runtime_error(std::string("this peer must not run with ") + library);
      }
    }
  }
}

inline int run_one(const Workload& workload, bool quick, const char* allowed) try {
  check_libraries(allowed);
  Result result = workload.run(quick);
  result.with("rss_kb", static_cast<double>(peak_rss_kb())).with("user_s", cpu_seconds());
  std::printf("{\"workload\":\"%s\",\"unit\":\"%s\",\"value\":%.6g", workload.name.c_str(),
              result.unit.c_str(), result.value);
  for (const auto& [name, figure] : result.extra) std::printf(",\"%s\":%.9g", name.c_str(), figure);
  std::printf("}\n");
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s: %s\n", workload.name.c_str(), error.what());
  return 1;
}

// PROG --list | --version | --run NAME [--quick]. `allowed` is the one allocator library that may
// be mapped ("" for none).
inline int peer_main(int argc, char** argv, const std::string& version, const char* allowed,
                     const std::vector<Workload>& workloads) {
  std::string name;
  bool quick = false;
  for (int i = 1; i < argc; i++) {
    const std::string argument = argv[i];
    if (argument == "--list") {
      for (const Workload& workload : workloads) std::printf("%s\n", workload.name.c_str());
      return 0;
    }
    if (argument == "--version") return std::printf("%s\n", version.c_str()) < 0;
    if (argument == "--quick") {
      quick = true;
    } else if (argument == "--run" && i + 1 < argc) {
      name = argv[++i];
    } else {
      std::fprintf(stderr, "usage: %s --list | --version | --run NAME [--quick]\n", argv[0]);
      return 2;
    }
  }
  for (const Workload& workload : workloads) {
    if (workload.name == name) return run_one(workload, quick, allowed);
  }
  std::fprintf(stderr, "%s has no workload '%s'; --list names them\n", argv[0], name.c_str());
  return 2;
}

}  // namespace peers

#endif  // BENCH_PEERS_HARNESS_H_
