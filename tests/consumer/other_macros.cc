// SPDX-License-Identifier: MIT
// Greyhound's headers beside libraries that define short names: test frameworks (doctest, Catch2),
// glog, X11, Windows' headers. Neither may break the other.
#include <cstdio>

#define LEFT_ALONE(name) (sizeof(#name) + 1000)
#define CHECK(...) LEFT_ALONE(CHECK)
#define DCHECK(...) LEFT_ALONE(DCHECK)
#define REQUIRE(...) LEFT_ALONE(REQUIRE)
#define FLAG(...) LEFT_ALONE(FLAG)
#define WORD(...) LEFT_ALONE(WORD)
#define LOG(...) LEFT_ALONE(LOG)
#define TEST(...) LEFT_ALONE(TEST)
#define FAIL(...) LEFT_ALONE(FAIL)
#define INFO 1 +
#define WARN 1 +
#define ERROR 1 +
#define FATAL 1 +
#define None 1 +
#define Bool 1 +
#define Status 1 +
#define Success 1 +
#define Always 1 +
#define True 1 +
#define False 1 +
#define TRUE 1 +
#define FALSE 1 +
#define IN 1 +
#define OUT 1 +
#define VOID 1 +
#define interface 1 +
#define near 1 +
#define far 1 +
#define small 1 +

#include "runtime/greyhound.h"
#include "runtime/profile/cpu_profiler.h"

static_assert(CHECK(1 == 2) > 1000 && DCHECK(false) > 1000 && FLAG(a, b, c) > 1000 &&
              WORD(a, b, c) > 1000 && LOG(ERROR) > 1000);

struct Node {
  greyhound::Ref<Node> next;
};

int main() {
  greyhound::runtime::Runtime rt;
  greyhound::runtime::Thread thread(rt);
  return thread.make<Node>() == nullptr;
}
