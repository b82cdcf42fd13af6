// SPDX-License-Identifier: MIT
#include "tools/page/cycle_timeline.h"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "gc/cycle/collector.h"
#include "gc/watch/trace_events.h"
#include "runtime/greyhound.h"
#include "runtime/watch/trace/trace_json.h"

namespace greyhound::page {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kKeys = 100'000;
constexpr int kThreads = 2;
constexpr uint64_t kCycles = 6;

void write_boxes(runtime::Runtime& rt, int number, const std::atomic<bool>& stop) {
  runtime::Thread thread(rt, "writer " + std::to_string(number));
  const auto map = maps::Map<int64_t, eface>::make();
  for (int64_t i = 0; !stop.load(std::memory_order_relaxed); ++i) {
    const eface box = runtime::to_eface(1000 + i);
    if (!map.insert_or_assign(i % kKeys, box)) return;
  }
}

bool is_span(const Json& event) { return event["ph"] == "X"; }
double start_of(const Json& event) { return event["ts"].get<double>(); }
double end_of(const Json& event) { return start_of(event) + event["dur"].get<double>(); }

// A whole one: of the first and the last the trace may have a part.
bool is_cycle(const Json& event) {
  if (!is_span(event) || !event["name"].get<std::string>().starts_with("GC cycle")) return false;
  const Json args = event.value("args", Json::object());
  return !args.contains("begun_before_the_trace") && !args.contains("unfinished");
}

// What lies within the shortest cycle and a twentieth of it before and after.
Json cut_to_a_cycle(const Json& trace) {
  const Json* shortest = nullptr;
  for (const Json& event : trace["traceEvents"]) {
    if (is_cycle(event) && (shortest == nullptr || event["dur"] < (*shortest)["dur"]))
      shortest = &event;
  }
  if (shortest == nullptr) return nullptr;
  const double margin = (*shortest)["dur"].get<double>() / 20;
  const double from = start_of(*shortest) - margin;
  const double to = end_of(*shortest) + margin;
  Json events = Json::array();
  for (const Json& event : trace["traceEvents"]) {
    const std::string shape = event["ph"];
    if (shape == "M" || (shape == "X" && start_of(event) < to && end_of(event) > from &&
                         event["dur"] < 2 * (to - from)))
      events.push_back(event);
  }
  return {{"traceEvents", std::move(events)}};
}

}  // namespace

Json cycle_timeline(std::chrono::seconds patience) {
  runtime::Runtime rt;
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back([&rt, &stop, i] { write_boxes(rt, i + 1, stop); });
  const auto until = std::chrono::steady_clock::now() + patience;
  const auto wait_for = [&](uint64_t cycles) {
    while (rt.collector().completed_cycles() < cycles && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  wait_for(kCycles);  // until the maps are full
  rt.trace_start();
  wait_for(2 * kCycles);
  const gc::Trace trace = rt.trace_stop();
  stop.store(true);
  for (std::thread& thread : threads) thread.join();
  return cut_to_a_cycle(Json::parse(trace::to_json(trace)));
}

}  // namespace greyhound::page
