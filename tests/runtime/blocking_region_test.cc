// SPDX-License-Identifier: MIT
// Inside `blocking` a thread has no current mutator: what needs one is a sentence, in every build,
// and what does not works. Leaving a region by exception, longjmp and cancellation.
#include <pthread.h>
#include <setjmp.h>

#include <functional>
#include <string>
#include <thread>

#include "runtime/stack.h"
#include "tests/runtime/fixture.h"

namespace greyhound::runtime {
namespace {

using IntMap = maps::Map<int64_t, int64_t>;

// What an operation may work on, made before the region.
struct Scene {
  explicit Scene(const Options& options = usual_options()) : rt(options), thread(rt, "mine") {
    node = thread.make<Node>();
    map.insert_or_assign(1, 1);
    global = node;
    handle = std::make_unique<Handle<Node>>(node);
    array = std::make_unique<RootArray>(words, 1);
    weak = Weak<Node>(node);
  }
  Runtime rt;
  Thread thread;
  Node* node = nullptr;
  IntMap map = IntMap::make();
  Persistent<Node> global{rt};
  std::unique_ptr<Handle<Node>> handle;
  const void* words[1] = {nullptr};
  std::unique_ptr<RootArray> array;
  Weak<Node> weak;
};

struct Refused {
  const char* name;
  void (*operation)(Scene&);
};

constexpr const char* kInside = "inside (a|its own) blocking region";

const Refused kRefused[] = {
    {"Make", [](Scene&) { Thread::make<Node>(); }},
    {"MakeSmall", [](Scene&) { Thread::make<uint64_t>(uint64_t{1}); }},
    {"TryMake", [](Scene&) { Thread::try_make<Node>(); }},
    {"MakeArray", [](Scene&) { Thread::make_array<uint64_t>(100); }},
    {"MakeLarge", [](Scene&) { Thread::make_array<uint64_t>(1'000'000); }},
    {"NothingAtAll", [](Scene&) { gc::mallocgc(0, nullptr); }},
    {"Box", [](Scene&) { to_eface(int64_t{123456789}); }},
    {"StringCopy", [](Scene&) { String::copy("a string that is copied"); }},
    {"StoreOfARef", [](Scene& s) { s.node->next = s.node; }},
    {"StoreOfNull", [](Scene& s) { s.node->next = nullptr; }},
    {"StoreIntoAPersistent", [](Scene& s) { s.global = s.node; }},
    {"Typedmemmove",
     [](Scene& s) {
       const Node other{};
       gc::typedmemmove(type_of<Node>(), s.node, &other);
     }},
    {"MapMake", [](Scene&) { IntMap::make(); }},
    {"MapAssign", [](Scene& s) { s.map.insert_or_assign(2, 2); }},
    {"MapErase", [](Scene& s) { s.map.erase(1); }},
    {"MapClear", [](Scene& s) { s.map.clear(); }},
    {"MapIterate",
     [](Scene& s) {
       for (const auto& entry : s.map) static_cast<void>(entry);
     }},
    {"WeakMake", [](Scene& s) { Weak<Node> weak(s.node); }},
    {"WeakGet", [](Scene& s) { s.weak.get(); }},
    {"EphemeronMake", [](Scene& s) { Ephemeron<Node, Node> ephemeron(s.node, s.node); }},
    {"HandleMake", [](Scene& s) { Handle<Node> handle(s.node); }},
    {"HandleCopy", [](Scene& s) { Handle<Node> handle(*s.handle); }},
    {"HandleAssign", [](Scene& s) { *s.handle = nullptr; }},
    {"HandleDestroy", [](Scene& s) { s.handle.reset(); }},
    {"RootArrayMake", [](Scene& s) { RootArray array(s.words, 1); }},
    {"RootArrayResize", [](Scene& s) { s.array->resize(0); }},
    {"RootArrayDestroy", [](Scene& s) { s.array.reset(); }},
    {"SetFinalizer", [](Scene& s) { s.rt.set_finalizer<Node>(s.node, [](Node*) {}); }},
    {"AddCleanup", [](Scene& s) { s.rt.add_cleanup(s.node, [] {}); }},
    {"RunFinalizers", [](Scene& s) { s.rt.run_finalizers(); }},
    {"Fastrand", [](Scene&) { gc::fastrand(); }},
    {"KnownGarbage", [](Scene& s) { gc::known_garbage(s.node); }},
    {"Suspend", [](Scene&) { Stack::suspend([] {}); }},
    {"AttachAgain", [](Scene& s) { Thread again(s.rt, "again"); }},
};

class RefusedInBlocking : public ::testing::TestWithParam<Refused> {
 protected:
  RefusedInBlocking() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};
void PrintTo(const Refused& refused, std::ostream* out) { *out << refused.name; }

TEST_P(RefusedInBlocking, IsFatalAndNamesTheMutator) {
  const auto inside = [] {
    Scene scene;
    scene.thread.blocking([&] { GetParam().operation(scene); });
  };
  const std::string said = std::string(GetParam().name) == "AttachAgain"
                               ? "already attached to this runtime as 'mine'"
                               : "mutator 'mine'.*" + std::string("blocking");
  EXPECT_EXIT(inside(), ::testing::ExitedWithCode(2), said);
}

// With precise roots and with the hybrid barrier it is the same.
TEST_P(RefusedInBlocking, InANestedRegionThatHasEndedToo) {
  const auto inside = [] {
    Options options = precise_options();
    options.barrier = gc::Barrier::kHybrid;
    Scene scene(options);
    scene.thread.blocking([&] {
      scene.thread.blocking([] {});
      GetParam().operation(scene);
    });
  };
  EXPECT_EXIT(inside(), ::testing::ExitedWithCode(2), "'mine'");
}

INSTANTIATE_TEST_SUITE_P(EveryOperation, RefusedInBlocking, ::testing::ValuesIn(kRefused),
                         [](const auto& param) { return param.param.name; });

TEST(BlockingRegionTest, WhatNeedsNoMutatorWorksInside) {
  Scene scene;
  scene.thread.blocking([&] {
    scene.rt.collect();
    EXPECT_GE(scene.rt.stats().cycles, 1u);
    EXPECT_TRUE(scene.rt.trace_start());
    scene.rt.trace_stop();
    EXPECT_EQ(scene.global.get(), scene.node);
    Persistent<Node> another(scene.rt);
    scene.rt.return_memory();
    scene.thread.blocking([&] { scene.rt.collect(); });
    std::thread([&] {
      Thread other(scene.rt, "other");
      Thread::make<Node>();
      scene.rt.collect();
    }).join();
  });
  EXPECT_NE(scene.thread.make<Node>(scene.node, uint64_t{1}), nullptr);
  EXPECT_EQ(*scene.map.find(1), 1);
}

TEST(BlockingRegionTest, AThreadOfAnotherRuntimeWorksInside) {
  Scene scene;
  Runtime other(usual_options());
  scene.thread.blocking([&] {
    Thread inner(other, "inner");
    for (uint64_t i = 0; i < 1000; ++i) inner.make<Node>(nullptr, i);
    inner.blocking([&] { scene.rt.collect(); });
    scene.rt.collect();
    EXPECT_EQ(gc::current_mutator(), &inner.mutator());
    inner.make<Node>();
  });
  EXPECT_EQ(gc::current_mutator(), &scene.thread.mutator());
  scene.thread.make<Node>();
}

TEST(BlockingRegionTest, AnExceptionLeavesTheRegion) {
  Scene scene;
  EXPECT_THROW(scene.thread.blocking([&] { scene.thread.blocking([] { throw 1; }); }), int);
  EXPECT_EQ(scene.thread.blocking_depth(), 0u);
  scene.thread.make<Node>();
  scene.rt.collect();
}

TEST(BlockingRegionTest, AfterALongjmpTheRegionIsLeftWhenTheProgramSaysSo) {
  Scene scene;
  static jmp_buf out;
  Node* volatile list = scene.thread.make<Node>(nullptr, uint64_t{4711});
  if (setjmp(out) == 0)
    scene.thread.blocking([&] { scene.thread.blocking([] { longjmp(out, 1); }); });
  EXPECT_EQ(scene.thread.blocking_depth(), 2u);
  scene.rt.collect();  // still blocked, and what the thread holds is kept
  scene.thread.after_longjmp();
  for (uint64_t i = 0; i < 100'000; ++i) scene.thread.make<Node>(nullptr, i);
  scene.rt.collect();
  EXPECT_EQ(list->value, 4711u);
  scene.thread.after_longjmp();  // nothing to leave
  scene.thread.make<Node>();
}

TEST(BlockingRegionTest, ALongjmpIntoAnOuterRegionKeepsThatOne) {
  Scene scene;
  static jmp_buf out;
  scene.thread.blocking([&] {
    const unsigned depth = scene.thread.blocking_depth();
    EXPECT_EQ(depth, 1u);
    if (setjmp(out) == 0) scene.thread.blocking([] { longjmp(out, 1); });
    scene.thread.after_longjmp(depth);
    EXPECT_EQ(scene.thread.blocking_depth(), depth);
    EXPECT_EQ(gc::current_mutator_or_null(), nullptr);
  });
  scene.thread.make<Node>();
}

using BlockingRegionDeathTest = RefusedInBlocking;

TEST(BlockingRegionDeath, AfterALongjmpTheNextAllocationSaysWhatToCall) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto jump = [] {
    Scene scene;
    static jmp_buf out;
    if (setjmp(out) == 0) scene.thread.blocking([] { longjmp(out, 1); });
    scene.thread.make<Node>();
  };
  EXPECT_EXIT(jump(), ::testing::ExitedWithCode(2),
              "inside a blocking region of mutator 'mine'.*call Thread::after_longjmp");
}

TEST(BlockingRegionDeath, ASafepointInsideIsFatal) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto inside = [] {
    Scene scene;
    scene.thread.blocking([&] { scene.thread.safepoint(); });
  };
#if defined(NDEBUG)
  EXPECT_EXIT(inside(), ::testing::ExitedWithCode(2), kInside);
#else
  EXPECT_EXIT(inside(), ::testing::ExitedWithCode(2), "check failed");
#endif
}

struct Cancelled {
  Runtime* rt;
  std::atomic<bool> blocked{false};
  std::atomic<bool> unwound{false};
};

TEST(BlockingRegionTest, AThreadThatIsCancelledInARegionDetaches) {
#if defined(GREYHOUND_TSAN)
  GTEST_SKIP() << "ThreadSanitizer loses count where a wait is cancelled";
#endif
  Runtime rt(usual_options());
  Cancelled state{&rt};
  pthread_t thread;
  ASSERT_EQ(pthread_create(
                &thread, nullptr,
                +[](void* argument) -> void* {
                  auto* shared = static_cast<Cancelled*>(argument);
                  struct Unwound {
                    std::atomic<bool>* flag;
                    ~Unwound() { *flag = true; }
                  } unwound{&shared->unwound};
                  Thread attached(*shared->rt, "cancelled");
                  Node* list = attached.make<Node>();
                  attached.blocking([&] {
                    shared->blocked = true;
                    while (true) pause();
                  });
                  return list;
                },
                &state),
            0);
  while (!state.blocked) std::this_thread::yield();
  rt.collect();
  pthread_cancel(thread);
  pthread_join(thread, nullptr);
  EXPECT_TRUE(state.unwound);
  EXPECT_EQ(rt.collector().world.count(), 0u);
  rt.collect();
}

// The runtime's own waits do not unwind: a request that comes in one waits for the program's next.
TEST(BlockingRegionTest, ACancellationWaitsForTheEndOfTheRuntimesOwnWaits) {
  Runtime rt(usual_options());
  Cancelled state{&rt};
  pthread_t thread;
  ASSERT_EQ(pthread_create(
                &thread, nullptr,
                +[](void* argument) -> void* {
                  auto* shared = static_cast<Cancelled*>(argument);
                  Thread attached(*shared->rt, "cancelled");
                  pthread_cancel(pthread_self());
                  shared->rt->collect();
                  for (int i = 0; i < 100'000; ++i) attached.make<Node>();
                  shared->rt->run_finalizers();
                  shared->unwound = true;
                  pthread_testcancel();
                  shared->unwound = false;
                  return nullptr;
                },
                &state),
            0);
  void* result = nullptr;
  pthread_join(thread, &result);
  EXPECT_EQ(result, PTHREAD_CANCELED);
  EXPECT_TRUE(state.unwound);
  EXPECT_EQ(rt.collector().world.count(), 0u);
}

}  // namespace
}  // namespace greyhound::runtime
