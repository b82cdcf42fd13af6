// SPDX-License-Identifier: MIT
// The rules of docs/embedding.md for finalizers and cleanups, and the memory limit of a control
// group.
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "runtime/handle.h"
#include "runtime/string.h"
#include "tests/runtime/fixture.h"

namespace greyhound::runtime {
namespace {

class FinalizerTest : public RuntimeTest {
 protected:
  FinalizerTest() : RuntimeTest(precise_options()) {}
  void collect_and_run() {
    rt.collect();
    rt.run_finalizers();
  }
};

struct Handle8 {
  int64_t descriptor;
};
struct Handle4 {
  int32_t descriptor;
};

TEST_F(FinalizerTest, ObjectsOfANumberMayHaveOne) {
  std::atomic<int64_t> sum{0};
  for (int i = 1; i <= 8; ++i) {
    rt.set_finalizer<Handle8>(thread.make<Handle8>(i), [&](Handle8* h) { sum += h->descriptor; });
    rt.set_finalizer<Handle4>(thread.make<Handle4>(i), [&](Handle4* h) { sum += h->descriptor; });
  }
  // What follows closes their last block.
  for (int i = 0; i < 4; ++i) thread.make<Handle4>();
  for (int i = 0; i < 2; ++i) collect_and_run();
  EXPECT_EQ(sum.load(), 72);
}

struct Own {
  int64_t descriptor;
  int64_t unused;
};

// docs/embedding.md: who needs a call for each of them gives it a second word.
TEST_F(FinalizerTest, ATypeOfSixteenBytesSharesItsBlockWithNobody) {
  std::atomic<int> ran{0};
  std::vector<std::unique_ptr<Handle<Own>>> kept;
  for (int i = 0; i < 100; ++i) {
    Own* object = thread.make<Own>(i, 0);
    if (i % 2 == 0) {
      kept.push_back(std::make_unique<Handle<Own>>(object));
    } else {
      rt.add_cleanup(object, [&] { ++ran; });
    }
  }
  collect_and_run();
  EXPECT_EQ(ran.load(), 50);
}

TEST_F(FinalizerTest, ASmallerOnesCleanupWaitsForItsNeighbour) {
  std::atomic<int> ran{0};
  Handle<Handle8> neighbour;
  Handle8* object = nullptr;
  do {
    neighbour = thread.make<Handle8>();
    object = thread.make<Handle8>();
  } while (reinterpret_cast<uintptr_t>(object) != reinterpret_cast<uintptr_t>(neighbour.get()) + 8);
  thread.make<Handle8>();
  rt.add_cleanup(object, [&] { ++ran; });
  collect_and_run();
  EXPECT_EQ(ran.load(), 0);
  neighbour = nullptr;
  collect_and_run();
  EXPECT_EQ(ran.load(), 1);
}

// A captured pointer is bytes in a std::function; a Persistent is a root.
TEST_F(FinalizerTest, WhatItNeedsIsKeptByAPersistent) {
  std::atomic<uint64_t> seen{0};
  const void* dropped = nullptr;
  {
    Handle<Node> other(thread.make<Node>(nullptr, 4711u));
    auto kept = std::make_shared<Persistent<Node>>(rt, other.get());
    rt.set_finalizer<Node>(thread.make<Node>(),
                           [kept, &seen](Node*) { seen = (*kept).get()->value; });
    dropped = other.get();
  }
  rt.collect();
  EXPECT_TRUE(is_marked_live(rt, dropped));
  rt.run_finalizers();
  EXPECT_EQ(seen.load(), 4711u);
  rt.collect();
  EXPECT_FALSE(is_marked_live(rt, dropped)) << "until the function is gone";
}

TEST_F(FinalizerTest, ACapturedPointerKeepsNothing) {
  const void* lost = nullptr;
  {
    Node* other = thread.make<Node>();
    lost = other;
    Handle<Node> holder(thread.make<Node>());
    rt.set_finalizer<Node>(holder.get(), [other](Node*) { static_cast<void>(other); });
    rt.collect();
  }
  EXPECT_FALSE(is_marked_live(rt, lost));
}

using ThrowingTest = ::testing::Test;

template <class Prepare>
void collect_with(bool finalizer_thread, Prepare prepare) {
  Options options = precise_options();
  options.finalizer_thread = finalizer_thread;
  Runtime rt(options);
  Thread thread(rt);
  prepare(rt);
  rt.collect();
  rt.run_finalizers();
}

TEST(ThrowingTest, AFinalizerThatThrowsIsFatalAndSaysWhat) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const bool own_thread : {true, false}) {
    EXPECT_EXIT(collect_with(own_thread,
                             [](Runtime& rt) {
                               rt.set_finalizer<Node>(Thread::make<Node>(), [](Node*) {
                                 throw std::runtime_error("the file is busy");
                               });
                             }),
                ::testing::ExitedWithCode(2),
                "fatal error: the finalizer of the object at 0x[0-9a-f]+ threw 'the file is busy'");
  }
}

TEST(ThrowingTest, ACleanupThatThrowsIsFatalAndSaysWhich) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const bool own_thread : {true, false}) {
    EXPECT_EXIT(
        collect_with(own_thread,
                     [](Runtime& rt) {
                       Node* node = Thread::make<Node>();
                       rt.add_cleanup(node, [] {});
                       rt.add_cleanup(node, [] { throw 7; });
                     }),
        ::testing::ExitedWithCode(2),
        "fatal error: cleanup 2 of the object that was at 0x[0-9a-f]+ threw something that is no");
  }
}

TEST_F(FinalizerTest, AnIdleProgramsCleanupsRun) {
  Options options = precise_options();
  options.gc_percent = 1'000'000;
  options.idle_cycle_ms = 20;
  Runtime idle(options);
  Thread attached(idle);
  std::atomic<bool> ran{false};
  idle.add_cleanup(attached.make<Node>(), [&] { ran = true; });
  // A cleanup may run before its cycle has ended, and is counted.
  attached.blocking([&] {
    while (!ran || idle.stats().idle_cycles == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  });
  EXPECT_EQ(idle.stats().forced_cycles, 0u);
}

TEST(LogTest, TheHookGetsWhatIsSaidAndStderrDoesNot) {
  struct Lines {
    std::mutex mutex;
    std::vector<std::string> all;
  } lines;
  Options options;
  options.reserve = uint64_t{64} << 20;
  options.log_context = &lines;
  options.log = [](void* context, const char* message) {
    auto* to = static_cast<Lines*>(context);
    const std::lock_guard lock(to->mutex);
    to->all.emplace_back(message);
  };
  ::setenv("GREYHOUND_GC", "99999999999999999999", 1);
  ::testing::internal::CaptureStderr();
  { const Runtime rt(options); }
  ::unsetenv("GREYHOUND_GC");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  ASSERT_EQ(lines.all.size(), 1u);
  EXPECT_TRUE(lines.all[0].starts_with("GREYHOUND_GC: '99999999999999999999' is neither"))
      << lines.all[0];
}

TEST(CgroupLimitTest, NineTenthsAreTheHeapsWhereThatIsAskedFor) {
  const std::filesystem::path root =
      std::filesystem::path(::testing::TempDir()) / ("cgroup_limit_" + std::to_string(getpid()));
  std::filesystem::create_directories(root / "proc/self");
  std::filesystem::create_directories(root / "sys/fs/cgroup/job");
  std::ofstream(root / "proc/self/cgroup") << "0::/job\n";
  std::ofstream(root / "sys/fs/cgroup/job/memory.max") << "1000000000\n";
  Options unasked;
  apply_cgroup(&unasked, root.c_str());
  EXPECT_EQ(unasked.memory_limit, 0u);
  Options asked;
  asked.cgroup_memory_limit = true;
  apply_cgroup(&asked, root.c_str());
  EXPECT_EQ(asked.memory_limit, 900'000'000u);
  Options own;
  own.cgroup_memory_limit = true;
  own.memory_limit = 5'000'000;
  apply_cgroup(&own, root.c_str());
  EXPECT_EQ(own.memory_limit, 5'000'000u);
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace greyhound::runtime
