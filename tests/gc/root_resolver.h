// SPDX-License-Identifier: MIT
// What the tests of ambiguous words share.
#pragma once

#include <array>

#include "tests/gc/fixture.h"

namespace greyhound::gc {

using Bytes64 = std::array<uint64_t, 8>;  // fills its slot

class RootResolverTest : public SteppingTest {
 protected:
  explicit RootResolverTest(Options options = quiet_options(Mode::kStepping))
      : SteppingTest(options) {}

  void* allocate(size_t size, Mutator* mutator = nullptr) {
    ActAs act(mutator != nullptr ? *mutator : *a);
    return mallocgc(size, nullptr);
  }
  uintptr_t address(size_t size) { return address_of(allocate(size)); }
  bool lives(uintptr_t object) { return collector.heap.allocs.test(object); }

  // A stack of `mutator` with one word in use.
  class ParkedWord {
   public:
    ParkedWord(Mutator* mutator, uintptr_t word) : mutator_(mutator) {
      stack_ = mutator->add_stack(reinterpret_cast<uintptr_t>(words_ + 2));
      words_[1] = word;
      mutator->set_saved_sp(stack_, reinterpret_cast<uintptr_t>(words_ + 1));
    }
    ~ParkedWord() {
      if (mutator_ != nullptr) mutator_->set_saved_sp(stack_, 0);
    }
    // Its mutator goes first.
    void forget() { mutator_ = nullptr; }
    ParkedWord(const ParkedWord&) = delete;
    ParkedWord& operator=(const ParkedWord&) = delete;
    ParkedWord& operator=(uintptr_t word) {
      words_[1] = word;
      return *this;
    }

   private:
    Mutator* mutator_;
    size_t stack_;
    uintptr_t words_[2] = {};
  };
};

}  // namespace greyhound::gc
