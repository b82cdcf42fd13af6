// SPDX-License-Identifier: MIT
#include "gc/watch/phase_log.h"

#include "gc/watch/text.h"
#include "runtime/base/system.h"

namespace greyhound::gc {
namespace {

unsigned long long number(uint64_t value) { return value; }

}  // namespace

const char* phase_name(Phase phase) {
  switch (phase) {
    case Phase::kIdle:
      return "idle";
    case Phase::kBarrierOn:
      return "barrier on (H1)";
    case Phase::kAllocBlack:
      return "allocate black (H2)";
    case Phase::kDrain:
      return "drain";
    case Phase::kScanRoots:
      return "scan roots (H3)";
    case Phase::kReferences:
      return "weak cells and finalizers";
    case Phase::kBarrierOff:
      return "barrier off (H4)";
    case Phase::kAllocWhite:
      return "allocate white (H5)";
    case Phase::kSweep:
      return "sweep";
  }
  return "unknown";
}

void PhaseLog::note(Phase phase, uint64_t cycle) {
  ring_.push({.at_ns = monotonic_ns(),
              .cycle = cycle,
              .kind = EventKind::kPhase,
              .detail = static_cast<uint8_t>(phase)});
}

bool PhaseLog::recent(size_t i, Entry* entry) const {
  const uint64_t count = ring_.count();
  Event found;
  if (i >= count || !ring_.read(count - 1 - i, &found)) return false;
  *entry = {found.at_ns, found.cycle, static_cast<Phase>(found.detail)};
  return true;
}

void PhaseLog::describe(const void* owner, char* buffer, unsigned long size) {
  const auto* log = static_cast<const PhaseLog*>(owner);
  Text text(buffer, size);
  Entry entry;
  if (!log->recent(0, &entry)) return text.add("collector phase idle, 0 cycles completed");
  text.add("collector phase %s, %llu cycles completed", phase_name(entry.phase),
           number(entry.phase == Phase::kIdle ? entry.cycle : entry.cycle - 1));
  const uint64_t now = monotonic_ns();
  constexpr size_t kShown = 16;
  for (size_t i = 0; i < kShown && log->recent(i, &entry); ++i) {
    text.add("%s %.3f ms ago: %s, cycle %llu", i == 0 ? "\n  before that:" : ";",
             static_cast<double>(now - entry.at_ns) * 1e-6, phase_name(entry.phase),
             number(entry.cycle));
  }
}

}  // namespace greyhound::gc
