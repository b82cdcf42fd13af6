// SPDX-License-Identifier: MIT
#include "tests/system_faults.h"

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace greyhound {
namespace {

struct Fault {
  std::atomic<int> left{0};
  std::atomic<int> error{0};
  std::atomic<int> failed{0};
};
constinit Fault faults[static_cast<size_t>(Call::kCount)];

Fault& fault_of(Call call) { return faults[static_cast<size_t>(call)]; }

// True when the call is to fail; errno says how. Safe in a signal handler.
bool fails(Call call) {
  Fault& fault = fault_of(call);
  int left = fault.left.load(std::memory_order_acquire);
  do {
    if (left == 0) return false;
  } while (left != kForEver &&
           !fault.left.compare_exchange_weak(left, left - 1, std::memory_order_acq_rel));
  fault.failed.fetch_add(1, std::memory_order_relaxed);
  errno = fault.error.load(std::memory_order_relaxed);
  return true;
}

void* (*mi_malloc)(size_t) = nullptr;
void* (*mi_malloc_aligned)(size_t, size_t) = nullptr;

void* faulty_mi_malloc(size_t bytes) { return fails(Call::kMiMalloc) ? nullptr : mi_malloc(bytes); }
void* faulty_mi_malloc_aligned(size_t bytes, size_t alignment) {
  return fails(Call::kMiMallocAligned) ? nullptr : mi_malloc_aligned(bytes, alignment);
}

}  // namespace

SystemFault::SystemFault(Call call, int error, int times) : call_(call) {
  Fault& fault = fault_of(call);
  fault.error.store(error, std::memory_order_relaxed);
  fault.failed.store(0, std::memory_order_relaxed);
  fault.left.store(times, std::memory_order_release);
}

SystemFault::~SystemFault() { fault_of(call_).left.store(0, std::memory_order_release); }

int SystemFault::failed() const { return fault_of(call_).failed.load(std::memory_order_relaxed); }

}  // namespace greyhound

using greyhound::Call;
using greyhound::fails;

// What each of these is a stand-in for is said by its name.
extern "C" {

#define GREYHOUND_WRAPPED(result, name, parameters, call, refused, ...) \
  result __real_##name parameters;                                      \
  result __wrap_##name parameters { return fails(call) ? (refused) : __real_##name(__VA_ARGS__); }

GREYHOUND_WRAPPED(int, clock_gettime, (clockid_t a, timespec* b), Call::kClockGettime, -1, a, b)
GREYHOUND_WRAPPED(void*, dlopen, (const char* a, int b), Call::kDlopen, nullptr, a, b)
GREYHOUND_WRAPPED(ssize_t, getrandom, (void* a, size_t b, unsigned c), Call::kGetrandom, -1, a, b,
                  c)
GREYHOUND_WRAPPED(int, ioctl, (int a, unsigned long b, void* c), Call::kIoctl, -1, a, b, c)
GREYHOUND_WRAPPED(int, madvise, (void* a, size_t b, int c), Call::kMadvise, -1, a, b, c)
GREYHOUND_WRAPPED(int, mincore, (void* a, size_t b, unsigned char* c), Call::kMincore, -1, a, b, c)
GREYHOUND_WRAPPED(void*, mmap, (void* a, size_t b, int c, int d, int e, off_t f), Call::kMmap,
                  reinterpret_cast<void*>(-1), a, b, c, d, e, f)
GREYHOUND_WRAPPED(int, munmap, (void* a, size_t b), Call::kMunmap, -1, a, b)
GREYHOUND_WRAPPED(int, nanosleep, (const timespec* a, timespec* b), Call::kNanosleep, -1, a, b)
GREYHOUND_WRAPPED(ssize_t, process_vm_readv,
                  (pid_t a, const iovec* b, unsigned long c, const iovec* d, unsigned long e,
                   unsigned long f),
                  Call::kProcessVmReadv, -1, a, b, c, d, e, f)
// Of these the result is the error.
GREYHOUND_WRAPPED(int, pthread_key_create, (pthread_key_t * a, void (*b)(void*)),
                  Call::kPthreadKeyCreate, errno, a, b)
GREYHOUND_WRAPPED(int, pthread_setspecific, (pthread_key_t a, const void* b),
                  Call::kPthreadSetspecific, errno, a, b)
GREYHOUND_WRAPPED(int, pthread_getattr_np, (pthread_t a, pthread_attr_t* b), Call::kPthreadGetattr,
                  errno, a, b)
GREYHOUND_WRAPPED(int, sigaction, (int a, const struct sigaction* b, struct sigaction* c),
                  Call::kSigaction, -1, a, b, c)
GREYHOUND_WRAPPED(int, timer_create, (clockid_t a, sigevent* b, timer_t* c), Call::kTimerCreate, -1,
                  a, b, c)
GREYHOUND_WRAPPED(int, timer_settime, (timer_t a, int b, const itimerspec* c, itimerspec* d),
                  Call::kTimerSettime, -1, a, b, c, d)
GREYHOUND_WRAPPED(ssize_t, write, (int a, const void* b, size_t c), Call::kWrite, -1, a, b, c)

long __real_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f) {
  if (number == SYS_futex && fails(Call::kFutex)) return -1;
  if (number == SYS_perf_event_open && fails(Call::kPerfEventOpen)) return -1;
  return __real_syscall(number, a, b, c, d, e, f);
}

void* __real_dlsym(void* library, const char* name);
void* __wrap_dlsym(void* library, const char* name) {
  if (fails(Call::kDlsym)) return nullptr;
  void* found = __real_dlsym(library, name);
  if (found == nullptr) return found;
  const auto stand_in = [found](auto* real, auto faulty) {
    *real = reinterpret_cast<decltype(faulty)>(found);
    return reinterpret_cast<void*>(faulty);
  };
  if (std::strcmp(name, "mi_malloc") == 0)
    return stand_in(&greyhound::mi_malloc, greyhound::faulty_mi_malloc);
  if (std::strcmp(name, "mi_malloc_aligned") == 0)
    return stand_in(&greyhound::mi_malloc_aligned, greyhound::faulty_mi_malloc_aligned);
  return found;
}

}  // extern "C"
