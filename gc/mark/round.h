// SPDX-License-Identifier: MIT
// The word on which a round of marking is judged (rules 2, 3 and 11 of docs/protocol.md): whether
// something was shaded, donated or newly greyed from a root since the round began, and, once
// nothing was, that it is closed. Who asks for another round and who closes this one do it by
// compare and swap on the same word, so one of them wins, never both (tests/model/weak.pml).
//
// Thread rules: ask_for_another and wanted from any thread; the rest by whoever advances the cycle.
#pragma once

#include <atomic>
#include <cstdint>

namespace greyhound::gc {

class Round {
 public:
  // A round begins: before anything of it is drained, and before a cycle's first barriers.
  // seq_cst: partner of ask_for_another.
  void begin() { word_.store(State::kQuietSoFar, std::memory_order_seq_cst); }
  // Something white was shaded or is about to be, or grey work was donated: the round is not the
  // last one. False, and without effect, when it is closed already.
  bool ask_for_another() {
    State seen = word_.load(std::memory_order_seq_cst);
    while (seen == State::kQuietSoFar &&
           !word_.compare_exchange_weak(seen, State::kAnotherWanted, std::memory_order_seq_cst)) {
    }
    return seen != State::kClosed;
  }
  // True when nobody asked for another one; from then on nobody can.
  bool close() {
    State seen = State::kQuietSoFar;
    return word_.compare_exchange_strong(seen, State::kClosed, std::memory_order_seq_cst);
  }
  // Closes it whatever was asked for: a planted fault.
  void close_regardless() { word_.store(State::kClosed, std::memory_order_seq_cst); }
  bool another_wanted() const {
    return word_.load(std::memory_order_seq_cst) == State::kAnotherWanted;
  }

 private:
  enum class State : uint32_t { kQuietSoFar, kAnotherWanted, kClosed };
  std::atomic<State> word_{State::kQuietSoFar};
};

}  // namespace greyhound::gc
