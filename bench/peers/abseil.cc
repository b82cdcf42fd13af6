// SPDX-License-Identifier: MIT
//
// peer_abseil: the map workloads with absl::flat_hash_map on the system's malloc.
// What would mislead: it may move its entries, promises no order to an iteration that inserts, and
// has no collector to serve; those are freedoms that a Go-style map gives up. String keys are
// std::string, looked up through absl::string_view without a copy.

#include <absl/base/config.h>
#include <absl/container/flat_hash_map.h>
#include <absl/strings/string_view.h>

#include "harness.h"

namespace {

using peers::Result;
using IntMap = absl::flat_hash_map<int64_t, int64_t>;
using StringMap = absl::flat_hash_map<std::string, int64_t>;

int64_t sum_below(uint64_t n) { return static_cast<int64_t>(n * (n - 1) / 2); }

IntMap int_map(uint32_t n) {
  IntMap map;
  for (uint32_t i = 0; i < n; i++) map[peers::int_key(i)] = i;
  return map;
}

Result map_hit_i64(bool quick, uint32_t n) {
  const IntMap map = int_map(n);
  std::vector<int64_t> probes;
  for (uint32_t i : peers::shuffled_indices(n)) probes.push_back(peers::int_key(i));
  return peers::time_per_op(quick, n, [&](uint64_t rounds) {
    int64_t sum = 0;
    for (uint64_t r = 0; r < rounds; r++) {
      for (int64_t key : probes) {
        if (auto it = map.find(key); it != map.end()) sum += it->second;
      }
    }
    peers::expect(sum == static_cast<int64_t>(rounds) * sum_below(n), "sum of the values found");
  });
}

Result map_miss_i64(bool quick, uint32_t n) {
  const IntMap map = int_map(n);
  std::vector<int64_t> probes;
  for (uint32_t i : peers::shuffled_indices(n)) probes.push_back(peers::int_key(uint64_t{n} + i));
  return peers::time_per_op(quick, n, [&](uint64_t rounds) {
    uint64_t found = 0;
    for (uint64_t r = 0; r < rounds; r++) {
      for (int64_t key : probes) found += map.find(key) != map.end();
    }
    peers::expect(found == 0, "keys found that were never inserted");
  });
}

Result map_hit_str(bool quick, uint32_t n) {
  StringMap map;
  for (uint32_t i = 0; i < n; i++) map[peers::string_key(i)] = i;
  std::vector<std::string> copies;
  for (uint32_t i : peers::shuffled_indices(n)) copies.push_back(peers::string_key(i));
  const std::vector<absl::string_view> probes(copies.begin(), copies.end());
  return peers::time_per_op(quick, n, [&](uint64_t rounds) {
    int64_t sum = 0;
    for (uint64_t r = 0; r < rounds; r++) {
      for (absl::string_view key : probes) {
        if (auto it = map.find(key); it != map.end()) sum += it->second;
      }
    }
    peers::expect(sum == static_cast<int64_t>(rounds) * sum_below(n), "sum of the values found");
  });
}

Result map_insert_grow_i64(bool quick, uint32_t n) {
  std::vector<int64_t> keys;
  for (uint32_t i = 0; i < n; i++) keys.push_back(peers::int_key(i));
  return peers::time_per_op(quick, n, [&](uint64_t rounds) {
    for (uint64_t r = 0; r < rounds; r++) {
      IntMap map;
      for (uint32_t i = 0; i < n; i++) map[keys[i]] = i;
      peers::expect(map.size() == n, "entries inserted");
    }
  });
}

Result map_iter_i64(bool quick) {
  constexpr uint32_t kEntries = 1000000;
  const IntMap map = int_map(kEntries);
  return peers::time_per_op(quick, kEntries, [&](uint64_t rounds) {
    int64_t sum = 0;
    for (uint64_t r = 0; r < rounds; r++) {
      for (const auto& [key, value] : map) sum += value;
    }
    peers::expect(sum == static_cast<int64_t>(rounds) * sum_below(kEntries), "sum of the values");
  });
}

Result map_churn_i64(bool quick) {
  constexpr uint32_t kEntries = 100000;
  IntMap map = int_map(kEntries);
  uint64_t oldest = 0;
  Result result = peers::time_per_op(quick, 1, [&](uint64_t n) {
    for (const uint64_t end = oldest + n; oldest < end; oldest++) {
      map.erase(peers::int_key(oldest));
      map[peers::int_key(oldest + kEntries)] = static_cast<int64_t>(oldest);
    }
  });
  peers::expect(map.size() == kEntries, "entries after churn");
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<peers::Workload> workloads;
  const std::vector<uint32_t> sizes = {16, 1000, 100000, 4000000};
  const auto sized = [&](const std::string& name, uint32_t n, Result (*run)(bool, uint32_t)) {
    workloads.push_back({name + std::to_string(n), [=](bool quick) { return run(quick, n); }});
  };
  for (uint32_t n : sizes) sized("map-hit-i64-", n, map_hit_i64);
  for (uint32_t n : sizes) sized("map-miss-i64-", n, map_miss_i64);
  for (uint32_t n : sizes) sized("map-hit-str-", n, map_hit_str);
  for (uint32_t n : {1000u, 100000u, 1000000u})
    sized("map-insert-grow-i64-", n, map_insert_grow_i64);
  workloads.push_back({"map-iter-i64", map_iter_i64});
  workloads.push_back({"map-churn-i64", map_churn_i64});
  return peers::peer_main(argc, argv, std::to_string(ABSL_LTS_RELEASE_VERSION), "", workloads);
}
