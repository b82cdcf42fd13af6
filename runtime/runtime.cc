// SPDX-License-Identifier: MIT
#include "runtime/runtime.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "runtime/base/panic.h"

namespace greyhound::runtime {
namespace {

[[noreturn]] void throw_panic(const char* message) { throw Panic(message); }

bool parse_gc_percent(const char* text, int64_t* percent) {
  if (std::strcmp(text, "off") == 0) {
    *percent = gc::kGcOff;
    return true;
  }
  char* end = nullptr;
  const long long value = std::strtoll(text, &end, 10);
  if (end == text || *end != '\0' || value < 0) return false;
  *percent = value;
  return true;
}

}  // namespace

std::vector<std::string> apply_environment(Options* options) {
  std::vector<std::string> errors;
  const Options defaults;
  if (const char* text = std::getenv("GREYHOUND_GC");
      text != nullptr && options->gc_percent == defaults.gc_percent) {
    if (!parse_gc_percent(text, &options->gc_percent)) {
      errors.push_back("GREYHOUND_GC: '" + std::string(text) +
                       "' is neither a percentage from 0 nor 'off'");
    }
  }
  if (const char* text = std::getenv("GREYHOUND_MEMLIMIT");
      text != nullptr && options->memory_limit == 0) {
    if (!parse_bytes(text, &options->memory_limit)) {
      errors.push_back(
          "GREYHOUND_MEMLIMIT: '" + std::string(text) +
          "' is not a size; write bytes or a number with KiB, MiB, GiB or TiB, as in 512MiB");
    }
  }
  if (const char* text = std::getenv("GREYHOUND_DEBUG"); text != nullptr) {
    for (std::string& error : parse_debug_flags(text, &options->debug))
      errors.push_back(std::move(error));
  }
  return errors;
}

Runtime::Runtime(Options options) {
  if (options.use_environment) {
    for (const std::string& error : apply_environment(&options))
      std::fprintf(stderr, "greyhound: %s\n", error.c_str());
  }
  collector_ = std::make_unique<gc::Collector>(options);
  if (!collector_->start()) throw std::bad_alloc();
}

Runtime::~Runtime() = default;

int64_t Runtime::set_gc_percent(int64_t percent) {
  const int64_t previous = collector_->pacer.gc_percent();
  collector_->pacer.set_gc_percent(percent);
  return previous;
}

uint64_t Runtime::set_memory_limit(uint64_t bytes) {
  const uint64_t previous = collector_->pacer.memory_limit();
  collector_->pacer.set_memory_limit(bytes);
  return previous;
}

Thread::Thread(Runtime& runtime, std::string name)
    : mutator_(std::make_unique<gc::Mutator>(&runtime.collector(), std::move(name))) {
  mutator_->bind();
  previous_panic_handler_ = set_panic_handler(throw_panic);
}

Thread::~Thread() {
  set_panic_handler(previous_panic_handler_);
  mutator_.reset();
}

}  // namespace greyhound::runtime
