// SPDX-License-Identifier: MIT
#include "runtime/base/profile_labels.h"

#include <algorithm>

namespace greyhound {
namespace {

// Atomic for the signal handler's sake: a compiler may leave out plain stores that the thread
// itself never reads back. Initial-exec for the same sake: any other access may allocate.
constinit thread_local std::atomic<const ProfileLabels*> innermost
    __attribute__((tls_model("initial-exec"))){nullptr};

}  // namespace

ProfileLabels::ProfileLabels(std::string key, std::string value)
    : key_(std::move(key)), value_(std::move(value)), outer_(current()) {
  innermost.store(this, std::memory_order_release);
}

ProfileLabels::~ProfileLabels() {
  innermost.store(outer_, std::memory_order_release);
  // A signal handler must not find the strings gone and this scope still there.
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

const ProfileLabels* ProfileLabels::current() { return innermost.load(std::memory_order_acquire); }

LabelSet current_labels() {
  LabelSet labels;
  for (const ProfileLabels* scope = ProfileLabels::current(); scope != nullptr;
       scope = scope->outer()) {
    const bool hidden = std::ranges::any_of(
        labels, [scope](const auto& label) { return label.first == scope->key(); });
    if (!hidden) labels.emplace_back(scope->key(), scope->value());
  }
  std::ranges::sort(labels);
  return labels;
}

}  // namespace greyhound
