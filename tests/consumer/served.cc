// SPDX-License-Identifier: MIT
// The debug server in an embedder's program, built in CI against the installed package.
#include <cstdio>

#include "runtime/greyhound.h"
#include "runtime/watch/debughttp/debug_server.h"
#include "runtime/watch/debughttp/observed_runtimes.h"
using namespace greyhound;

int main() {
  runtime::Runtime rt;
  serve::ObservedRuntimes observed;
  observed.add(rt);
  serve::DebugServer server(&observed, {.address = "127.0.0.1:0"});
  server.start();
  std::printf("%s\n", server.url().c_str());
  server.stop();
  observed.remove(rt);
}
