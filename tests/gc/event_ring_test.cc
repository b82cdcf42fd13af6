// SPDX-License-Identifier: MIT
// A ring of events: what is kept, and that a reader gets whole events from a writer that goes on.
#include "gc/watch/event_ring.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace greyhound::gc {
namespace {

template <size_t kCapacity>
struct Ring {
  uint64_t words[kCapacity * EventRing::kWords] = {};
  EventRing ring{words, kCapacity};
};

Event numbered(uint64_t n) {
  return {.at_ns = n,
          .duration_ns = n * 3,
          .cycle = n & 0xffff'ffff,
          .kind = EventKind::kAcknowledge,
          .shape = EventShape::kWhole,
          .detail = static_cast<uint8_t>(n),
          .text = "text",
          .a = n * 5,
          .b = n * 7};
}

bool whole(const Event& event) {
  const Event expected = numbered(event.at_ns);
  return event.duration_ns == expected.duration_ns && event.cycle == expected.cycle &&
         event.kind == expected.kind && event.shape == expected.shape &&
         event.detail == expected.detail && event.text == expected.text && event.a == expected.a &&
         event.b == expected.b;
}

TEST(EventRing, GivesBackWhatWasPushed) {
  Ring<8> r;
  Event event;
  EXPECT_FALSE(r.ring.read(0, &event));
  r.ring.push(numbered(1234567));
  ASSERT_TRUE(r.ring.read(0, &event));
  EXPECT_EQ(event.at_ns, 1234567u);
  EXPECT_TRUE(whole(event));
  EXPECT_FALSE(r.ring.read(1, &event));
}

TEST(EventRing, KeepsTheLastOnesButForTheSlotThatIsNext) {
  Ring<8> r;
  for (uint64_t n = 0; n < 20; ++n) r.ring.push(numbered(n));
  EXPECT_EQ(r.ring.count(), 20u);
  Event event;
  for (uint64_t n = 0; n < 20; ++n) {
    ASSERT_EQ(r.ring.read(n, &event), n >= 13) << n;
    if (n >= 13) {
      EXPECT_EQ(event.at_ns, n);
    }
  }
}

TEST(EventRing, AReaderNeverSeesHalfAnEvent) {
  Ring<4> r;
  constexpr uint64_t kEvents = 200'000;
  std::thread writer([&] {
    for (uint64_t n = 0; n < kEvents; ++n) r.ring.push(numbered(n));
  });
  uint64_t seen = 0;
  for (uint64_t count = 0; count < kEvents; count = r.ring.count()) {
    for (uint64_t i = count > 4 ? count - 4 : 0; i < count; ++i) {
      Event event;
      if (!r.ring.read(i, &event)) continue;
      ++seen;
      ASSERT_EQ(event.at_ns, i);
      ASSERT_TRUE(whole(event)) << i;
    }
  }
  writer.join();
  Event event;
  ASSERT_TRUE(r.ring.read(kEvents - 1, &event));
  EXPECT_TRUE(whole(event));
  RecordProperty("seen", std::to_string(seen));
}

}  // namespace
}  // namespace greyhound::gc
