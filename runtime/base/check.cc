// SPDX-License-Identifier: MIT
#include "runtime/base/check.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace greyhound {
namespace {

thread_local FatalContext tls_describe = nullptr;
thread_local const void* tls_owner = nullptr;

[[noreturn]] void die() {
  if (tls_describe != nullptr) {
    char context[2048] = "";
    tls_describe(tls_owner, context, sizeof context);
    std::fprintf(stderr, "  %s\n", context);
  }
  std::fflush(stderr);
  // _Exit: static destructors would run over the state that was just found broken.
  std::_Exit(2);
}

}  // namespace

void fatal(const char* format, ...) {
  std::fputs("fatal error: ", stderr);
  va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  va_end(arguments);
  std::fputc('\n', stderr);
  die();
}

void check_failed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "fatal error: %s:%d: check failed: %s\n", file, line, condition);
  die();
}

void set_fatal_context(FatalContext describe, const void* owner) {
  tls_describe = describe;
  tls_owner = owner;
}

}  // namespace greyhound
