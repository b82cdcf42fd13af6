// SPDX-License-Identifier: MIT
// Iteration: each entry once, in an order that begins at random, whatever is written meanwhile.
#include "maps/iterate.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <vector>

#include "tests/maps/fixture.h"
#include "tests/maps/kinds.h"

namespace greyhound::maps {
namespace {

class IterateTest : public IntMapTest {
 protected:
  using IntMapTest::IntMapTest;

  // Calls step(key) at each entry; gives how often each key was visited.
  template <class Step>
  std::map<int64_t, int> visit(Step step) {
    std::map<int64_t, int> visits;
    hiter it;
    for (mapiterinit(t_, h_, &it); it.key != nullptr; mapiternext(&it)) {
      const int64_t key = *static_cast<const int64_t*>(it.key);
      EXPECT_EQ(*static_cast<int64_t*>(it.elem), key);
      ++visits[key];
      step(key);
    }
    return visits;
  }
  void expect_each_once(const std::map<int64_t, int>& visits, int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) {
      const auto found = visits.find(i);
      ASSERT_TRUE(found != visits.end()) << i << " was not visited";
      ASSERT_EQ(found->second, 1) << i;
    }
  }
};

TEST_F(IterateTest, EmptyAndNilMapsHaveNoEntries) {
  EXPECT_TRUE(visit([](int64_t) {}).empty());
  h_ = nullptr;
  EXPECT_TRUE(visit([](int64_t) {}).empty());
}

TEST_F(IterateTest, SeesEveryEntryOnce) {
  for (int64_t n : {1, 7, 8, 9, 100, 1000, 5000}) {
    put_range(0, n);
    const auto visits = visit([](int64_t) {});
    EXPECT_EQ(visits.size(), static_cast<size_t>(n));
    expect_each_once(visits, 0, n);
  }
}

TEST_F(IterateTest, BeginsAtARandomEntry) {
  put_range(0, 8);  // one bucket: the offset alone
  std::set<int64_t> first;
  for (int i = 0; i < 200; ++i) {
    hiter it;
    mapiterinit(t_, h_, &it);
    first.insert(*static_cast<const int64_t*>(it.key));
  }
  EXPECT_EQ(first.size(), 8u);
}

// The growth begins and ends under an iteration that began before it.
TEST_F(IterateTest, SeesEveryEntryOnceThroughGrowth) {
  for (int64_t n : {8, 13, 52, 416, 3000}) {
    for (int trial = 0; trial < 20; ++trial) {
      h_ = keep_latest(makemap(t_, 0));
      put_range(0, n);
      finish_growth(0);
      int64_t next = 1000000;
      const int64_t added_per_step = trial % 4 + 1;
      const auto visits = visit([&](int64_t) {
        for (int64_t i = 0; i < added_per_step && next < 1000000 + 3 * n; ++i, ++next)
          put(next, next);
      });
      expect_each_once(visits, 0, n);
      for (const auto& [key, times] : visits) ASSERT_EQ(times, 1) << key;
      ASSERT_EQ(verify_map(t_, h_), "");
    }
  }
}

// The iteration begins while a growth is under way.
TEST_F(IterateTest, SeesEveryEntryOnceWhenBegunDuringGrowth) {
  for (int64_t n : {9, 14, 53, 417, 3329}) {
    for (int64_t writes = 0; writes < 40; writes += 3) {
      h_ = keep_latest(makemap(t_, 0));
      put_range(0, n);
      for (int64_t i = 0; i < writes && h_->growing(); ++i) put(i % n, i % n);
      int64_t step = 0;
      const auto visits = visit([&](int64_t) {
        if (++step % 2 == 0) put(step % n, step % n);  // the growth goes on meanwhile
      });
      expect_each_once(visits, 0, n);
      ASSERT_EQ(visits.size(), static_cast<size_t>(n));
    }
  }
}

TEST_F(IterateTest, SeesEveryEntryOnceThroughSameSizeGrowth) {
  constexpr int64_t kLive = 1600;
  put_range(0, kLive);
  int64_t next = kLive;
  while (!h_->has(kSameSizeGrow)) {
    put(next, next);
    erase(next - kLive);
    ++next;
  }
  int64_t step = 0;
  const auto visits = visit([&](int64_t) {
    if (++step % 4 == 0) erase(-1);  // the growth goes on meanwhile
  });
  expect_each_once(visits, next - kLive, next);
  EXPECT_EQ(visits.size(), static_cast<size_t>(kLive));
}

// Entries come and go until the table has been rebuilt in the same size, several times under one
// iteration; those that stay are visited once each.
TEST_F(IterateTest, SeesEveryEntryOnceThroughManySameSizeGrowths) {
  constexpr int64_t kStay = 50;
  int most_growths = 0;
  for (int64_t live : {103, 103, 415, 1600}) {
    for (int64_t writes_per_step : {1, 7, 50, 1000, 20000}) {
      h_ = keep_latest(makemap(t_, 0));
      put_range(0, live);
      int64_t next = live;
      int growths = 0;
      bool was_growing = h_->growing();
      const auto replace_one = [&] {
        erase(next - live + kStay);
        put(next, next);
        ++next;
        growths += !was_growing && h_->has(kSameSizeGrow) ? 1 : 0;
        was_growing = h_->growing();
      };
      int64_t left = 100000;
      const auto visits = visit([&](int64_t) {
        for (int64_t i = 0; i < writes_per_step && left > 0; ++i, --left) replace_one();
      });
      expect_each_once(visits, 0, kStay);
      for (const auto& [key, times] : visits) ASSERT_EQ(times, 1) << key;
      most_growths = std::max(most_growths, growths);
      ASSERT_EQ(verify_map(t_, h_), "");
    }
  }
  EXPECT_GE(most_growths, 2) << "or else the test shows nothing";
}

// The table of the next growth is not the one that the iteration began in, or beside.
TEST_F(IterateTest, SeesEveryEntryOnceWhenBegunDuringAGrowthThatOthersFollow) {
  for (int64_t writes : {0, 1, 9, 100}) {
    h_ = keep_latest(makemap(t_, 0));
    put_range(0, 833);  // a growth has begun
    for (int64_t i = 0; i < writes; ++i) erase(-1);
    ASSERT_TRUE(h_->growing());
    int64_t next = 1000000;
    int step = 0;
    const auto visits = visit([&](int64_t) {
      if (step++ % 100 == 3) {
        for (int i = 0; i < 4000; ++i, ++next) {
          put(next, next);
          if (step % 200 < 100) erase(next);  // same size by turns
        }
      }
    });
    expect_each_once(visits, 0, 833);
  }
}

TEST_F(IterateTest, AfterAClearItStaysInItsBucket) {
  for (int64_t i = 0; i < 50; ++i) put(i, i);
  hiter it;
  mapiterinit(t_, h_, &it);
  mapclear(t_, h_);
  for (int64_t i = 100; i < 150; ++i) put(i, i);
  int visited = 0;
  for (mapiternext(&it); it.key != nullptr; mapiternext(&it)) ++visited;
  EXPECT_LE(visited, 8);
}

TEST_F(IterateTest, AMapThatIsEmptiedAndFilledAgainShowsNoEntryTwice) {
  for (int64_t n : {9, 60, 500}) {
    h_ = keep_latest(makemap(t_, 0));
    put_range(0, n);
    std::map<int64_t, int> visits;  // of entries since the map was last emptied
    int step = 0;
    visit([&](int64_t key) {
      EXPECT_EQ(++visits[key], 1) << key;
      if (step++ % 5 != 2) return;
      if (step % 2 == 0) {
        mapclear(t_, h_);
      } else {
        for (int64_t i = 0; i < n; ++i) erase(i);
      }
      visits.clear();
      put_range(0, n);
    });
    ASSERT_EQ(verify_map(t_, h_), "");
  }
}

TEST_F(IterateTest, EntriesRemovedBeforeTheyAreReachedAreNotVisited) {
  for (int trial = 0; trial < 50; ++trial) {
    h_ = keep_latest(makemap(t_, 0));
    put_range(0, 1000);
    std::set<int64_t> removed;
    visit([&](int64_t key) {
      EXPECT_EQ(removed.count(key), 0u);
      const auto other = static_cast<int64_t>(random_() % 1000);
      erase(other);
      removed.insert(other);
      const auto added = static_cast<int64_t>(1000 + random_() % 20000);
      if (trial % 2) put(added, added);  // growths under way meanwhile
    });
  }
}

TEST_F(IterateTest, EveryEntryMayBeRemovedAsItIsVisited) {
  put_range(0, 5000);
  const auto visits = visit([this](int64_t key) { erase(key); });
  EXPECT_EQ(visits.size(), 5000u);
  EXPECT_EQ(maplen(h_), 0);
}

TEST_F(IterateTest, ClearEndsIterationEvenInAnOldTable) {
  for (int64_t n : {52, 416, 3328}) {  // one more begins a growth
    h_ = keep_latest(makemap(t_, 0));
    put_range(0, n);
    finish_growth(0);
    int steps = 0;
    visit([&](int64_t) {
      ++steps;
      if (steps > 1) return;
      put(n, n);  // the growth begins: the iteration is in the old table
      EXPECT_TRUE(h_->growing());
      mapclear(t_, h_);
    });
    EXPECT_EQ(steps, 1) << "what was cleared is not visited";
  }
}

TEST_F(IterateTest, ClearEndsIterationOfKeysThatCannotBeAskedFor) {
  const MapType* t = map_type(*type_of<double>(), *type_of<int64_t>());
  for (int growths : {0, 1, 2, 5}) {
    hmap* h = keep_latest(makemap(t, 0));
    const double nan = std::numeric_limits<double>::quiet_NaN();
    for (int64_t i = 0; i < 60; ++i) *static_cast<int64_t*>(mapassign(t, h, &nan)) = i;
    hiter it;
    mapiterinit(t, h, &it);
    double other = 0;
    for (int i = 0; i < growths; ++i) {
      for (const unsigned B = h->B; h->B == B; ++other) mapassign(t, h, &other);
    }
    mapclear(t, h);
    mapiternext(&it);
    EXPECT_EQ(it.key, nullptr) << "after " << growths << " growths";
  }
}

TEST_F(IterateTest, UpdatesAreSeenAfterEvacuation) {
  put_range(0, 52);
  std::map<int64_t, int64_t> seen;
  hiter it;
  bool first = true;
  for (mapiterinit(t_, h_, &it); it.key != nullptr; mapiternext(&it)) {
    const int64_t key = *static_cast<const int64_t*>(it.key);
    seen[key] = *static_cast<int64_t*>(it.elem);
    if (!first) continue;
    first = false;
    for (int64_t i = 52; i < 200; ++i) put(i, i);  // two growths
    for (int64_t i = 0; i < 52; ++i) {
      if (i != key) put(i, -i);
    }
    seen[key] = -key;
  }
  for (int64_t i = 0; i < 52; ++i) ASSERT_EQ(seen.at(i), -i);
}

class IterateUnderCollectionTest : public IterateTest {
 protected:
  IterateUnderCollectionTest() : IterateTest(stressed(20)) {}
};

// The overflow buckets of the table that the iteration began in are seen by the collector only
// through the lists that the iterator holds; the map itself has long dropped them.
TEST_F(IterateUnderCollectionTest, OldTablesOverflowBucketsLiveAsLongAsTheIterator) {
  for (int trial = 0; trial < 10; ++trial) {
    h_ = keep_latest(makemap(t_, 0));
    put_range(0, 400);
    finish_growth(0);
    int64_t next = 1000000;
    const auto visits = visit([&](int64_t) {
      if (next > 1000000) return;
      for (; next < 1003000; ++next) put(next, next);  // several growths at once
      runtime_.collect();
      runtime_.collect();
    });
    expect_each_once(visits, 0, 400);
  }
}

TEST_F(IterateTest, SeveralReadersOfOneThreadIterateAtOnce) {
  put_range(0, 100);
  size_t pairs = 0;
  visit([&](int64_t) { pairs += visit([](int64_t) {}).size(); });
  EXPECT_EQ(pairs, 100u * 100u);
}

}  // namespace
}  // namespace greyhound::maps
