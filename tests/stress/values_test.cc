// SPDX-License-Identifier: MIT
// Threads with a bag of values of every kind each: maps, strings and pieces of strings, boxes,
// large and tiny objects. What a value is follows from its key and its generation, which a C++
// table outside the heap remembers, so that anything freed or overwritten too early shows as a
// difference. Every mode of the collector, with conservative and with precise roots.
//
// A failure prints the seed; GREYHOUND_TEST_SEED=n takes it back. GREYHOUND_STRESS_SECONDS=n runs
// each test longer; GREYHOUND_DEBUG adds flags.
#include <chrono>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "gc/cycle/collector.h"
#include "tests/stress/stress.h"

namespace greyhound::runtime {
namespace {

using maps::Map;

constexpr size_t kBoxes = 64;
constexpr size_t kLargeWords = 20'000;

struct Link {
  Ref<Link> next;
  Ref<uint32_t> tiny;
  uint32_t number = 0;
};
struct Bag {
  Ref<maps::hmap> texts;    // number -> string
  Ref<maps::hmap> lengths;  // string -> length
  Ref<std::array<eface, kBoxes>> boxes;
  Ref<std::array<Ref<Link>, kLargeWords>> large;
  String piece;  // of a string that nothing else holds
  Ref<Link> list;
};

// What the bag holds, outside the heap.
struct Expected {
  std::unordered_map<int64_t, uint64_t> texts;
  std::unordered_map<std::string, int64_t> lengths;
  uint64_t boxes[kBoxes] = {};
  std::unordered_map<size_t, uint32_t> large;
  std::string piece;
  uint32_t list_length = 0;
};

std::string text_of(int64_t key, uint64_t generation) {
  return "value " + std::to_string(key) + " of generation " + std::to_string(generation);
}

class Owner {
 public:
  Owner(Runtime& rt, Thread& thread, uint64_t seed)
      : thread_(thread), random_(seed), bag_(rt, thread.make<Bag>()) {
    bag_->texts = Map<int64_t, String>::make().header();
    bag_->lengths = Map<String, int64_t>::make().header();
    bag_->boxes = thread.make<std::array<eface, kBoxes>>();
    bag_->large = thread.make<std::array<Ref<Link>, kLargeWords>>();
  }

  void step() {
    switch (random_() % 10) {
      case 0:
      case 1:
        return set_text();
      case 2:
        return set_length();
      case 3:
      case 4:
        return box();
      case 5:
        return cut();
      case 6:
        return link();
      case 7:
        return fill_large();
      case 8:
        return random_() % 64 == 0 ? replace_large() : check_one();
      case 9:
        return check_one();
    }
  }

  void check_all() {
    for (int i = 0; i < 20; ++i) check_one();
    Map<int64_t, String> texts(bag_->texts);
    EXPECT_EQ(static_cast<size_t>(texts.size()), expected_.texts.size());
    for (auto [key, text] : texts) {
      const auto found = expected_.texts.find(key);
      ASSERT_TRUE(found != expected_.texts.end());
      ASSERT_EQ(text.view(), text_of(key, found->second));
    }
    uint32_t length = 0;
    for (Link* at = bag_->list; at != nullptr; at = at->next) {
      ASSERT_EQ(at->number, expected_.list_length - length);
      ASSERT_EQ(*at->tiny, at->number);
      ++length;
    }
    ASSERT_EQ(length, expected_.list_length);
  }

 private:
  void set_text() {
    const auto key = static_cast<int64_t>(random_() % 500);
    Map<int64_t, String> texts(bag_->texts);
    if (random_() % 4 == 0) {
      texts.erase(key);
      expected_.texts.erase(key);
      return;
    }
    const uint64_t generation = ++generation_;
    // The string is held while the map may grow: a root of its own where stacks are not scanned.
    Handle<const char> bytes(String::copy(text_of(key, generation)).data());
    texts.insert_or_assign(key, String(bytes.get(), text_of(key, generation).size()));
    expected_.texts[key] = generation;
  }

  void set_length() {
    const std::string key = "key " + std::to_string(random_() % 300);
    Map<String, int64_t> lengths(bag_->lengths);
    const auto value = static_cast<int64_t>(random_() >> 1);
    Handle<const char> bytes(String::copy(key).data());
    lengths.insert_or_assign(String(bytes.get(), key.size()), value);
    expected_.lengths[key] = value;
  }

  void box() {
    const size_t at = random_() % kBoxes;
    const uint64_t value = random_() % 3 == 0 ? random_() % 256 : random_();
    (*bag_->boxes)[at] = to_eface(value);
    expected_.boxes[at] = value;
  }

  // A piece of a long string: an interior pointer is all that keeps it.
  void cut() {
    const size_t size = 100 + random_() % 3000;
    std::string text(size, static_cast<char>('a' + random_() % 26));
    const size_t from = 1 + random_() % (size - 20);
    text.replace(from, 8, std::to_string(10'000'000 + random_() % 80'000'000));
    bag_->piece = String::copy(text).substring(from, from + 10);
    expected_.piece = text.substr(from, 10);
  }

  void link() {
    if (expected_.list_length > 200 || random_() % 16 == 0) {
      bag_->list = nullptr;
      expected_.list_length = 0;
      return;
    }
    const uint32_t number = ++expected_.list_length;
    Handle<Link> added(thread_.make<Link>(bag_->list.get(), nullptr, number));
    added->tiny = thread_.make<uint32_t>(number);
    bag_->list = added.get();
  }

  void fill_large() {
    const size_t at = random_() % kLargeWords;
    const auto number = static_cast<uint32_t>(random_());
    Link* added = thread_.make<Link>(nullptr, nullptr, number);
    (*bag_->large)[at] = added;
    expected_.large[at] = number;
  }

  void replace_large() {
    auto* fresh = thread_.make<std::array<Ref<Link>, kLargeWords>>();
    gc::typedmemmove(type_of<std::array<Ref<Link>, kLargeWords>>(), fresh, bag_->large.get());
    bag_->large = fresh;
  }

  void check_one() {
    switch (random_() % 5) {
      case 0: {
        const size_t at = random_() % kBoxes;
        const eface& boxed = (*bag_->boxes)[at];
        if (boxed.is_nil()) return;
        ASSERT_NE(boxed.as<uint64_t>(), nullptr);
        ASSERT_EQ(*boxed.as<uint64_t>(), expected_.boxes[at]);
        return;
      }
      case 1:
        ASSERT_EQ(bag_->piece.empty() ? "" : bag_->piece.view(), expected_.piece);
        return;
      case 2: {
        if (expected_.large.empty()) return;
        const auto& [at, number] = *expected_.large.begin();
        ASSERT_EQ((*bag_->large)[at]->number, number);
        return;
      }
      case 3: {
        const std::string key = "key " + std::to_string(random_() % 300);
        const auto found = expected_.lengths.find(key);
        const int64_t* length =
            Map<String, int64_t>(bag_->lengths).find(String(key.data(), key.size()));
        ASSERT_EQ(length != nullptr, found != expected_.lengths.end());
        if (length != nullptr) {
          ASSERT_EQ(*length, found->second);
        }
        return;
      }
      case 4: {
        const auto key = static_cast<int64_t>(random_() % 500);
        const auto found = expected_.texts.find(key);
        const String* text = Map<int64_t, String>(bag_->texts).find(key);
        ASSERT_EQ(text != nullptr, found != expected_.texts.end());
        if (text != nullptr) {
          ASSERT_EQ(text->view(), text_of(key, found->second));
        }
        return;
      }
    }
  }

  Thread& thread_;
  std::mt19937_64 random_;
  Persistent<Bag> bag_;
  Expected expected_;
  uint64_t generation_ = 0;
};

struct ModeUnderTest {
  const char* name;
  void (*set)(Options*);
};
void PrintTo(const ModeUnderTest& mode, std::ostream* out) { *out << mode.name; }

const ModeUnderTest kModes[] = {
    {"Concurrent", [](Options* o) { o->workers = 2; }},
    {"ConcurrentPrecise", [](Options* o) { o->stack_roots = StackRoots::kPrecise; }},
    {"CheckedPrecise",
     [](Options* o) {
       o->stack_roots = StackRoots::kPrecise;
       o->debug.gccheckmark = o->debug.clobberfree = o->debug.verifyheap = 1;
     }},
    {"StressedPrecise",
     [](Options* o) {
       o->stack_roots = StackRoots::kPrecise;
       o->debug.gcstress = 3;
       o->debug.clobberfree = 1;
     }},
    {"StopTheWorld",
     [](Options* o) {
       o->mode = Mode::kStopTheWorld;
       o->debug.gcstress = 500;
       o->debug.clobberfree = 1;
     }},
    {"Stepping",
     [](Options* o) {
       o->mode = Mode::kStepping;
       o->debug.clobberfree = 1;
     }},
};

class ValuesTest : public ::testing::TestWithParam<ModeUnderTest> {};

TEST_P(ValuesTest, AreWhatWasStored) {
  Options options = usual_options();
  options.gc_percent = 50;
  GetParam().set(&options);
  const uint64_t seed = test_seed();
  SCOPED_TRACE("GREYHOUND_TEST_SEED=" + std::to_string(seed));
  Runtime rt(options);
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t life = 0; !stop && !::testing::Test::HasFailure(); ++life) {
        Thread thread(rt, "owner " + std::to_string(t));
        Owner owner(rt, thread, seed + t * 1000 + life);
        for (int i = 0; i < 20'000 && !stop; ++i) {
          owner.step();
          // In stepping mode nobody else advances the cycle.
          if (options.mode == Mode::kStepping && i % 4 == 0) {
            if (i % 4000 == 0) rt.collector().request_cycle();
            rt.collector().step(20);
          }
          if (i % 1000 == 0) thread.blocking([] { std::this_thread::yield(); });
        }
        owner.check_all();
      }
    });
  }
  std::this_thread::sleep_for(std::chrono::duration<double>(stress_seconds()));
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(rt.stats().cycles, 0u);
  rt.collect();
  rt.collect();
  EXPECT_EQ(rt.stats().heap_pages_bytes, 0u) << "with every thread gone nothing is left";
}

INSTANTIATE_TEST_SUITE_P(Modes, ValuesTest, ::testing::ValuesIn(kModes),
                         [](const auto& mode) { return std::string(mode.param.name); });

// Runtimes that come and go on several threads at once, each thread nested in two of them.
TEST(RuntimesStressTest, ComeAndGoOnManyThreads) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      Options options;
      options.reserve = uint64_t{64} << 20;
      options.use_environment = false;
      for (uint64_t i = 0; !stop; ++i) {
        Runtime outer(options);
        Thread on_outer(outer);
        Link* kept = on_outer.make<Link>(nullptr, nullptr, static_cast<uint32_t>(t * 1000 + i));
        {
          Runtime inner(options);
          Thread on_inner(inner);
          Link* other = on_inner.make<Link>(nullptr, nullptr, static_cast<uint32_t>(i));
          outer.collect();
          inner.collect();
          ASSERT_EQ(other->number, static_cast<uint32_t>(i));
        }
        ASSERT_EQ(kept->number, static_cast<uint32_t>(t * 1000 + i));
      }
    });
  }
  std::this_thread::sleep_for(std::chrono::duration<double>(stress_seconds()));
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace greyhound::runtime
