// SPDX-License-Identifier: MIT
// A trace from an embedder's program, built in CI against the installed package.
#include <cstdio>
#include <string>

#include "runtime/greyhound.h"
#include "runtime/watch/trace/trace_json.h"
using namespace greyhound;

int main() {
  runtime::Runtime rt;
  rt.trace_start();
  rt.collect();
  const std::string json = trace::to_json(rt.trace_stop());
  std::puts(json.c_str());
  return json.find("GC cycle") == std::string::npos ? 1 : 0;
}
