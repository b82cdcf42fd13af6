// SPDX-License-Identifier: MIT
#include "runtime/base/backtrace.h"

#include <pthread.h>

#include "runtime/base/check.h"

namespace greyhound {

uintptr_t thread_stack_end() {
  thread_local uintptr_t end = 0;
  if (end != 0) return end;
  pthread_attr_t attributes;
  GREYHOUND_CHECK(pthread_getattr_np(pthread_self(), &attributes) == 0);
  void* low = nullptr;
  size_t size = 0;
  GREYHOUND_CHECK(pthread_attr_getstack(&attributes, &low, &size) == 0);
  pthread_attr_destroy(&attributes);
  return end = reinterpret_cast<uintptr_t>(low) + size;
}

}  // namespace greyhound
