// SPDX-License-Identifier: MIT
// exit() while threads are attached: the program's status is kept, whoever calls it and wherever
// the Runtime and the Thread are. Each is a process of its own.
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "tests/runtime/fixture.h"

namespace greyhound::runtime {
namespace {

class ExitDeathTest : public ::testing::Test {
 protected:
  ExitDeathTest() {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    // A runtime in use keeps at exit what it has: LeakSanitizer would end the child with a status
    // of its own.
    const char* options = std::getenv("ASAN_OPTIONS");
    const std::string before = options == nullptr ? "" : std::string(options) + ":";
    setenv("ASAN_OPTIONS", (before + "detect_leaks=0").c_str(), 1);
  }
};

constexpr int kStatus = 7;
const auto kKept = ::testing::ExitedWithCode(kStatus);

Runtime& static_runtime() {
  static Runtime rt(usual_options());
  return rt;
}

// Attaches a thread that goes on for ever.
void start_worker(Runtime& rt, void (*work)(Thread&)) {
  std::atomic<bool> attached{false};
  std::thread([&rt, &attached, work] {
    Thread thread(rt, "worker");
    attached = true;
    while (true) work(thread);
  }).detach();
  while (!attached) std::this_thread::yield();
}

TEST_F(ExitDeathTest, OnTheAttachedThread) {
  EXPECT_EXIT(
      {
        Thread thread(static_runtime());
        thread.make<Node>();
        exit(kStatus);
      },
      kKept, "^$");
}

TEST_F(ExitDeathTest, InsideBlocking) {
  EXPECT_EXIT(
      {
        Thread thread(static_runtime());
        thread.blocking([] { exit(kStatus); });
      },
      kKept, "^$");
}

TEST_F(ExitDeathTest, WhileAnotherThreadIsBlocked) {
  EXPECT_EXIT(
      {
        start_worker(static_runtime(), [](Thread& thread) { thread.blocking([] { pause(); }); });
        exit(kStatus);
      },
      kKept, "^$");
}

TEST_F(ExitDeathTest, WhileAnotherThreadAllocatesAndCollects) {
  EXPECT_EXIT(
      {
        start_worker(static_runtime(), [](Thread& thread) {
          for (int i = 0; i < 10'000; ++i) thread.make<Node>();
          static_runtime().collect();
        });
        usleep(10'000);
        exit(kStatus);
      },
      kKept, "^$");
}

TEST_F(ExitDeathTest, ByAThreadThatIsNotAttached) {
  EXPECT_EXIT(
      {
        Thread thread(static_runtime());
        thread.blocking([] { std::thread([] { exit(kStatus); }).join(); });
      },
      kKept, "^$");
}

TEST_F(ExitDeathTest, WithAStaticThreadToo) {
  EXPECT_EXIT(
      {
        static Thread thread(static_runtime());
        thread.make<Node>();
        exit(kStatus);
      },
      kKept, "^$");
  EXPECT_EXIT(
      {
        static Thread thread(static_runtime());
        thread.blocking([] { std::thread([] { exit(kStatus); }).join(); });
      },
      kKept, "^$");
}

TEST_F(ExitDeathTest, WithAThreadLocalThread) {
  EXPECT_EXIT(
      {
        static thread_local Thread thread(static_runtime());
        thread.make<Node>();
        exit(kStatus);
      },
      kKept, "^$");
  EXPECT_EXIT(
      {
        static thread_local Thread thread(static_runtime());
        thread.blocking([] { exit(kStatus); });
      },
      kKept, "^$");
}

TEST_F(ExitDeathTest, WithARuntimeThatAStaticObjectOwns) {
  EXPECT_EXIT(
      {
        static std::unique_ptr<Runtime> rt;
        rt = std::make_unique<Runtime>(usual_options());
        Thread thread(*rt);
        exit(kStatus);
      },
      kKept, "^$");
}

// Its destructor is known to exit() only after its threads have attached.
struct Server {
  Server() {
    start_worker(rt, [](Thread& thread) { thread.blocking([] { pause(); }); });
  }
  Runtime rt{usual_options()};
};

TEST_F(ExitDeathTest, WithThreadsThatAttachInAStaticObjectsConstructor) {
  EXPECT_EXIT(
      {
        static Server server;
        exit(kStatus);
      },
      kKept, "^$");
}

TEST_F(ExitDeathTest, WithSeveralStaticRuntimes) {
  EXPECT_EXIT(
      {
        static Runtime first(usual_options());
        Thread on_first(first);
        static Runtime second(usual_options());
        Thread on_second(second);
        on_second.blocking([] { std::thread([] { exit(kStatus); }).join(); });
      },
      kKept, "^$");
}

TEST_F(ExitDeathTest, InACleanup) {
#if defined(GREYHOUND_TSAN)
  GTEST_SKIP() << "ThreadSanitizer sleeps for a second in exit, and the watchdog says so";
#endif
  EXPECT_EXIT(
      {
        Thread thread(static_runtime());
        static_runtime().add_cleanup(thread.make<Node>(), [] { exit(kStatus); });
        while (true) {
          static_runtime().collect();
          static_runtime().run_finalizers();
        }
      },
      kKept, "^$");
}

TEST_F(ExitDeathTest, WithStaticHandlesAndPersistents) {
  EXPECT_EXIT(
      {
        static Persistent<Node> persistent(static_runtime());
        static Thread thread(static_runtime());
        static Handle<Node> handle(thread.make<Node>());
        persistent = thread.make<Node>();
        exit(kStatus);
      },
      kKept, "^$");
  EXPECT_EXIT(
      {
        static Persistent<Node> persistent(static_runtime());
        static Thread thread(static_runtime());
        static Handle<Node> handle(thread.make<Node>());
        persistent = thread.make<Node>();
        thread.blocking([] { std::thread([] { exit(kStatus); }).join(); });
      },
      kKept, "^$");
}

TEST_F(ExitDeathTest, WithNobodyAttachedTheRuntimeIsTornDown) {
  EXPECT_EXIT(
      {
        {
          Thread thread(static_runtime());
          static_runtime().add_cleanup(thread.make<Node>(), [] {});
        }
        exit(kStatus);
      },
      kKept, "^$");
}

TEST_F(ExitDeathTest, QuickExitKeepsItsStatusToo) {
  EXPECT_EXIT(
      {
        Thread thread(static_runtime());
        quick_exit(kStatus);
      },
      kKept, "^$");
}

TEST_F(ExitDeathTest, AStaticObjectThatUsesTheRuntimeOnTheWayStillCan) {
  struct Last {
    ~Last() {
      static_runtime().collect();
      for (int i = 0; i < 1000; ++i) Thread::make<Node>();
    }
  };
  EXPECT_EXIT(
      {
        static Last last;  // made before the runtime, so destroyed after it
        Thread thread(static_runtime());
        exit(kStatus);
      },
      kKept, "^$");
}

TEST_F(ExitDeathTest, InNormalRunningARuntimeWithThreadsIsNotDestroyed) {
  EXPECT_EXIT(
      {
        auto rt = std::make_unique<Runtime>(usual_options());
        Thread thread(*rt);
        rt.reset();
      },
      ::testing::ExitedWithCode(2), "destroyed with 1 mutator attached");
}

TEST_F(ExitDeathTest, AFinalizerDoesNotDestroyItsRuntime) {
  EXPECT_EXIT(
      {
        auto* const rt = new Runtime(usual_options());
        Thread thread(*rt);
        rt->add_cleanup(thread.make<Node>(), [rt] { delete rt; });
        while (true) {
          rt->collect();
          rt->run_finalizers();
        }
      },
      ::testing::ExitedWithCode(2), "destroyed by one of its finalizers or cleanups");
}

}  // namespace
}  // namespace greyhound::runtime
