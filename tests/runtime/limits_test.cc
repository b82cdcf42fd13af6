// SPDX-License-Identifier: MIT
// A program whose process is short of what the system has: address space, and calls that a sandbox
// refuses. Each runs in a process of its own, since a limit stays.
#include <sys/resource.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <new>
#include <thread>
#include <vector>

#include "tests/runtime/fixture.h"
#include "tests/system_faults.h"

namespace greyhound::runtime {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

uint64_t mapped_bytes() {
  uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * 4096;
}

// `bytes` more than the process has mapped now.
void limit_address_space(uint64_t bytes) {
  const uint64_t limit = mapped_bytes() + bytes;
  const rlimit both{limit, limit};
  if (setrlimit(RLIMIT_AS, &both) != 0) std::_Exit(3);
}

size_t length(const Node* list) {
  size_t count = 0;
  for (; list != nullptr; list = list->next.get()) ++count;
  return count;
}

// A heap that is used, collected, and used by another thread. Gives its size.
size_t use(Options options) {
  Runtime rt(options);
  Thread thread(rt);
  size_t made = 0;
  for (int round = 0; round < 3; ++round) {
    Node* list = nullptr;
    for (made = 0; made < 30'000; ++made) {
      Node* node = thread.try_make<Node>();
      if (node == nullptr) break;
      node->next = list;
      list = node;
    }
    rt.collect();
    if (length(list) != made) std::_Exit(4);
  }
  std::thread other([&rt] {
    Thread attached(rt);
    for (int i = 0; i < 1000; ++i) attached.make<Node>();
  });
  thread.blocking([&] { other.join(); });
  rt.return_memory();
  return rt.collector().heap.size();
}

[[noreturn]] void use_and_exit(Options options) {
  size_t size = 0;
  try {
    size = use(options);
  } catch (const std::bad_alloc&) {
    std::_Exit(size == 0 ? 5 : 6);
  }
  std::_Exit(size % (4 * kMiB) == 0 ? 0 : 7);
}

#if !defined(GREYHOUND_ASAN) && !defined(GREYHOUND_TSAN)  // whose shadows want terabytes

bool works(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }
bool works_or_throws(int status) {
  return works(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 5);
}

TEST(AddressSpaceLimit, GivesASmallerHeapOrBadAlloc) {
  for (const uint64_t reserve : {uint64_t{0}, 64 * kMiB, 448 * kMiB, 4160 * kMiB}) {
    for (const uint64_t limit : {1, 20, 60, 100, 140, 180, 230, 320, 450}) {
      Options options = usual_options();
      options.reserve = reserve;
      EXPECT_EXIT(
          {
            limit_address_space(limit * kMiB);
            use_and_exit(options);
          },
          works_or_throws, "")
          << "reserve " << reserve / kMiB << " MiB, limit " << limit << " MiB";
    }
  }
}

TEST(AddressSpaceLimit, From320MiBOnThereIsAHeap) {
  for (const uint64_t limit : {320, 512, 780, 1024, 3000}) {
    Options options = usual_options();
    options.reserve = 0;
    EXPECT_EXIT(
        {
          limit_address_space(limit * kMiB);
          use_and_exit(options);
        },
        works, "")
        << "limit " << limit << " MiB";
  }
}

TEST(AddressSpaceLimit, LeavesTheProgramAsMuchAsTheHeapTakes) {
  EXPECT_EXIT(
      {
        limit_address_space(600 * kMiB);
        Options options = usual_options();
        options.reserve = 0;
        Runtime rt(options);
        const size_t size = rt.collector().heap.size();
        char* volatile block = new char[size];  // throws if it is not there
        delete[] block;
        std::_Exit(size >= 128 * kMiB ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

// What a cycle and a shared span need comes from the range that the runtime has.
TEST(AddressSpaceLimit, SetLaterDoesNotStopTheCollector) {
  EXPECT_EXIT(
      {
        Runtime rt(usual_options());
        Thread thread(rt);
        limit_address_space(1 * kMiB);  // what the C++ library takes for small blocks
        for (int round = 0; round < 4; ++round) {
          Node* list = nullptr;
          for (int i = 0; i < 200'000; ++i) {
            Node* node = thread.make<Node>();
            node->next = list;
            list = node;
          }
          rt.collect();
          if (length(list) != 200'000) std::_Exit(1);
        }
        std::_Exit(0);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(ProgramsOwnMemory, AFailingNewThrows) {
  const volatile size_t too_much = size_t{1} << 48;  // more than there are addresses
  void* volatile block = nullptr;                    // so that the call is not optimised away
  Runtime rt(usual_options());
  EXPECT_THROW(block = ::operator new(too_much), std::bad_alloc);
  EXPECT_EQ(block, nullptr);
  EXPECT_THROW(
      {
        std::vector<char> bytes(too_much, 'x');
        block = bytes.data();
      },
      std::bad_alloc);
}
#endif

TEST(RefusedReserve, ThrowsBadAlloc) {
  const SystemFault mimalloc(Call::kMiMallocAligned, ENOMEM);
  const SystemFault mmap(Call::kMmap, ENOMEM);
  EXPECT_THROW(Runtime rt(usual_options()), std::bad_alloc);
}

// --- a sandbox

TEST(Sandbox, WithoutFutexesThreadsStillAnswer) {
  for (const int times : {1, kForEver}) {
    const SystemFault fault(Call::kFutex, ENOSYS, times);
    EXPECT_GT(use(usual_options()), 0u);
  }
}

TEST(Sandbox, WithoutRandomBitsThereIsASeed) {
  const SystemFault fault(Call::kGetrandom, EPERM);
  Runtime a(usual_options()), b(usual_options());
  EXPECT_NE(a.collector().next_seed(), b.collector().next_seed());
}

TEST(Sandbox, WithoutSleepAnAllocatingThreadGoesOn) {
  const SystemFault fault(Call::kNanosleep, EPERM);
  EXPECT_GT(use(usual_options()), 0u);
}

TEST(Sandbox, WithoutAdviceToTheKernelMemoryIsZeroAllTheSame) {
  const SystemFault fault(Call::kMadvise, EPERM);
  EXPECT_GT(use(usual_options()), 0u);
}

}  // namespace
}  // namespace greyhound::runtime
