// SPDX-License-Identifier: MIT
#include "gc/watch/event_ring.h"

namespace greyhound::gc {
namespace {

// Word 0 of an event: cycle (48 bits), detail, shape (3 bits), kind (5 bits).
uint64_t pack(const Event& event) {
  return event.cycle << 16 | uint64_t{event.detail} << 8 | static_cast<uint64_t>(event.shape) << 5 |
         static_cast<uint64_t>(event.kind);
}

}  // namespace

static_assert(static_cast<unsigned>(EventKind::kCleanup) < 32);
static_assert(static_cast<unsigned>(EventShape::kCounter) < 8);

void EventRing::push(const Event& event) {
  const uint64_t n = count_.load(std::memory_order_relaxed);  // the writer's own
  uint64_t* words = words_ + n % capacity_ * kWords;
  const uint64_t values[kWords] = {pack(event),       event.at_ns,
                                   event.duration_ns, reinterpret_cast<uintptr_t>(event.text),
                                   event.a,           event.b};
  for (size_t i = 0; i < kWords; ++i) {
    std::atomic_ref<uint64_t>(words[i]).store(values[i], std::memory_order_release);
  }
  count_.store(n + 1, std::memory_order_release);
}

bool EventRing::read(uint64_t index, Event* event) const {
  if (index >= count()) return false;
  const uint64_t* words = words_ + index % capacity_ * kWords;
  uint64_t values[kWords];
  for (size_t i = 0; i < kWords; ++i) {
    // Acquire: whoever sees a word of a later event sees below that it has begun.
    values[i] =
        std::atomic_ref<uint64_t>(const_cast<uint64_t&>(words[i])).load(std::memory_order_acquire);
  }
  if (count() - index >= capacity_) return false;  // begun to be overwritten, or about to be
  *event = {.at_ns = values[1],
            .duration_ns = values[2],
            .cycle = values[0] >> 16,
            .kind = static_cast<EventKind>(values[0] & 31),
            .shape = static_cast<EventShape>(values[0] >> 5 & 7),
            .detail = static_cast<uint8_t>(values[0] >> 8),
            .text = reinterpret_cast<const char*>(values[3]),
            .a = values[4],
            .b = values[5]};
  return true;
}

}  // namespace greyhound::gc
