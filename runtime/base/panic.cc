// SPDX-License-Identifier: MIT
#include "runtime/base/panic.h"

#include "runtime/base/check.h"

namespace greyhound {
namespace {
thread_local PanicHandler tls_handler = nullptr;
}

PanicHandler set_panic_handler(PanicHandler handler) {
  const PanicHandler previous = tls_handler;
  tls_handler = handler;
  return previous;
}

void panic(const char* message) {
  if (tls_handler != nullptr) tls_handler(message);
  fatal("panic: %s", message);
}

}  // namespace greyhound
