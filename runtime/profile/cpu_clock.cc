// SPDX-License-Identifier: MIT
#include "runtime/profile/cpu_clock.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

namespace greyhound::runtime {
namespace {

timespec to_timespec(uint64_t ns) {
  return {static_cast<time_t>(ns / 1'000'000'000u), static_cast<long>(ns % 1'000'000'000u)};
}

}  // namespace

CpuClock::CpuClock(pthread_t thread, pid_t tid) : tid_(tid) {
  has_clock_ = pthread_getcpuclockid(thread, &clock_) == 0;
}

bool CpuClock::start_timer(uint64_t first_ns, uint64_t period_ns) {
  if (!has_clock_) return false;
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGPROF;
#ifdef sigev_notify_thread_id
  event.sigev_notify_thread_id = tid_;
#else
  event._sigev_un._tid = tid_;
#endif
  timer_t timer;
  if (timer_create(clock_, &event, &timer) != 0) return false;
  timer_ = timer;
  const itimerspec times{to_timespec(period_ns), to_timespec(first_ns)};
  if (timer_settime(timer, 0, &times, nullptr) == 0) return true;
  stop();
  return false;
}

bool CpuClock::start_perf(uint64_t period_ns) {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_TASK_CLOCK;
  attributes.sample_period = period_ns;
  attributes.disabled = 1;
  attributes.exclude_kernel = 1;  // what perf_event_paranoid 2 asks of everybody
  attributes.exclude_hv = 1;
  attributes.wakeup_events = 1;
  perf_ = static_cast<int>(
      syscall(SYS_perf_event_open, &attributes, tid_, -1, -1, PERF_FLAG_FD_CLOEXEC));
  if (perf_ < 0) return false;
  const f_owner_ex owner{F_OWNER_TID, tid_};
  const bool sends =
      fcntl(perf_, F_SETFL, O_ASYNC | O_NONBLOCK) == 0 && fcntl(perf_, F_SETSIG, SIGPROF) == 0 &&
      fcntl(perf_, F_SETOWN_EX, &owner) == 0 && ioctl(perf_, PERF_EVENT_IOC_REFRESH, 1) == 0;
  if (!sends) stop();
  return sends;
}

void CpuClock::stop() {
  if (timer_) timer_delete(*timer_);
  timer_.reset();
  if (perf_ >= 0) {
    ioctl(perf_, PERF_EVENT_IOC_DISABLE, 0);
    close(perf_);
  }
  perf_ = -1;
}

uint64_t CpuClock::now() const {
  timespec now{};
  if (!has_clock_ || clock_gettime(clock_, &now) != 0) return 0;
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

void CpuClock::rearm() const {
  if (perf_ >= 0) ioctl(perf_, PERF_EVENT_IOC_REFRESH, 1);
}

}  // namespace greyhound::runtime
