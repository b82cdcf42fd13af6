// SPDX-License-Identifier: MIT
#include "runtime/base/os_thread.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include <string>

namespace greyhound {
namespace {

struct Seen {
  std::string name;
  sigset_t blocked;
  bool is_itself = false;
  OsThread thread;

  void look() {
    char buffer[OsThread::kNameBytes] = "";
    pthread_getname_np(pthread_self(), buffer, sizeof buffer);
    name = buffer;
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  }
};

TEST(OsThread, RunsItsBodyUnderItsName) {
  Seen seen;
  ASSERT_EQ(seen.thread.start<&Seen::look>("gh-test", &seen), 0);
  EXPECT_TRUE(seen.thread.running());
  EXPECT_FALSE(seen.thread.is_this_thread());
  seen.thread.join();
  EXPECT_FALSE(seen.thread.running());
  EXPECT_EQ(seen.name, "gh-test");
}

TEST(OsThread, CutsALongName) {
  Seen seen;
  ASSERT_EQ(seen.thread.start<&Seen::look>("gh-a-name-beyond-fifteen", &seen), 0);
  seen.thread.join();
  EXPECT_EQ(seen.name, "gh-a-name-beyon");
}

TEST(OsThread, BlocksWhatTheProgramMayWaitFor) {
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  Seen seen;
  ASSERT_EQ(seen.thread.start<&Seen::look>("gh-test", &seen), 0);
  seen.thread.join();
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCHLD, SIGALRM,
                           SIGPIPE, SIGIO, SIGWINCH, SIGRTMIN, SIGRTMAX})
    EXPECT_EQ(sigismember(&seen.blocked, signal), 1) << signal;
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT})
    EXPECT_EQ(sigismember(&seen.blocked, signal), 0) << signal;
  EXPECT_EQ(sigismember(&seen.blocked, SIGPROF), sigismember(&before, SIGPROF));
  // And its creator's mask is as it was.
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (int signal = 1; signal < SIGRTMIN; ++signal)
    EXPECT_EQ(sigismember(&before, signal), sigismember(&after, signal)) << signal;
}

TEST(OsThread, TakesTheProfilersSignalAsItsCreatorDoes) {
  sigset_t profiling;
  sigset_t before;
  sigemptyset(&profiling);
  sigaddset(&profiling, SIGPROF);
  pthread_sigmask(SIG_BLOCK, &profiling, &before);
  Seen seen;
  ASSERT_EQ(seen.thread.start<&Seen::look>("gh-test", &seen), 0);
  seen.thread.join();
  EXPECT_EQ(sigismember(&seen.blocked, SIGPROF), 1);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST(OsThread, RunsAgainAfterJoin) {
  Seen seen;
  for (const char* name : {"gh-one", "gh-two"}) {
    ASSERT_EQ(seen.thread.start<&Seen::look>(name, &seen), 0);
    seen.thread.join();
    EXPECT_EQ(seen.name, name);
  }
}

}  // namespace
}  // namespace greyhound
