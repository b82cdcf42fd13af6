// SPDX-License-Identifier: MIT
// The promise of docs/embedding.md about pointers on the stack, held against what the compiler
// makes of loops over objects whose bodies collect (loops/heap_loops.cc, at several levels of
// optimisation): each loop has its objects until it is over, and what it wrote is there.
#include <cstring>

#include "tests/runtime/fixture.h"
#include "tests/runtime/loops/heap_loops.h"

namespace greyhound::runtime {
namespace {

// What a step of a loop does; null while the loop runs over memory that is not the heap's.
struct StepState {
  Runtime* rt = nullptr;
  int objects = 1;
  uintptr_t hidden[2] = {};  // the objects' addresses, as their complements
  long steps = 0;
  long total = 0;
  long lost_at = -1;
};
StepState* stepping = nullptr;
long steps_counted = 0;

GREYHOUND_NOINLINE uintptr_t clear_the_stack_below() {
  volatile uintptr_t words[512];
  for (auto& word : words) word = 0;
  return words[17];
}

GREYHOUND_NOINLINE bool all_live(const StepState& state) {
  for (int i = 0; i < state.objects; ++i) {
    if (!is_marked_live(*state.rt, reinterpret_cast<void*>(~state.hidden[i]))) return false;
  }
  return true;
}

// Where it matters: as a loop begins and, of a long one, now and then; but each of the last times.
bool is_due(long step, long total) { return total < 200 || step > total - 4 || step % 1024 == 1; }

GREYHOUND_NOINLINE void collect_and_look(StepState* state) {
  clear_the_stack_below();
  state->rt->collect();
  // What was freed is handed out again, and written over.
  std::memset(Thread::make_array<int64_t>(128), 0x11, 1024);
  clear_the_stack_below();
  if (!all_live(*state) && state->lost_at < 0) state->lost_at = state->steps;
  clear_the_stack_below();
}

}  // namespace
}  // namespace greyhound::runtime

extern "C" GREYHOUND_NOINLINE int64_t greyhound::loops::heap_loops_step(int64_t value) {
  using namespace greyhound::runtime;
  if (stepping == nullptr) {
    ++steps_counted;
  } else if (++stepping->steps; is_due(stepping->steps, stepping->total)) {
    collect_and_look(stepping);
  }
  return static_cast<int64_t>(static_cast<uint64_t>(value) * 3 + 1);
}

namespace greyhound::runtime {
namespace {

struct Compiled {
  const char* name;
  std::span<const loops::Loop> (*loops)();
  bool near;  // keeps even those of its loops in sight that are `far`
};
void PrintTo(const Compiled& compiled, std::ostream* out) { *out << compiled.name; }

#if defined(__clang__)
constexpr bool kNear = true;
#else
constexpr bool kNear = false;
#endif

const Compiled kCompiled[] = {{"O1", loops::at_o1, kNear},
                              {"O2", loops::at_o2, kNear},
                              {"O3", loops::at_o3, kNear},
                              {"O2NoIvopts", loops::without_ivopts, true}};

class HeapLoops : public ::testing::TestWithParam<Compiled> {
 protected:
  HeapLoops() : rt(stepping_options()), thread(rt) {}
  ~HeapLoops() override { stepping = nullptr; }
  // A collection is whole when it returns, and nobody but the loop's thread has a stack.
  static Options stepping_options() {
    Options options;
    options.mode = Mode::kStepping;
    options.use_environment = false;
    options.reserve = uint64_t{256} << 20;
    options.debug.clobberfree = 1;
    return options;
  }

  static void fill(void* object, size_t bytes, int seed) {
    for (size_t i = 0; i < bytes; ++i)
      static_cast<char*>(object)[i] = static_cast<char>(i * 7 + static_cast<size_t>(seed));
  }
  GREYHOUND_NOINLINE void make(StepState* state, size_t bytes) {
    for (int i = 0; i < state->objects; ++i) {
      void* object = gc::mallocgc(bytes, nullptr);
      fill(object, bytes, i);
      state->hidden[i] = ~reinterpret_cast<uintptr_t>(object);
    }
  }
  GREYHOUND_NOINLINE static void run(const loops::Loop& loop, const StepState& state) {
    loop.run(reinterpret_cast<void*>(~state.hidden[0]), reinterpret_cast<void*>(~state.hidden[1]),
             loop.count);
  }

  Runtime rt;
  Thread thread;
};

TEST_P(HeapLoops, HaveTheirObjectsUntilTheyAreOver) {
  for (const loops::Loop& loop : GetParam().loops()) {
    if (loop.far && !GetParam().near) continue;
    SCOPED_TRACE(loop.name);
    // What comes out where nothing is collected.
    std::vector<int64_t> expected[2];
    for (int i = 0; i < 2; ++i) {
      expected[i].resize((loop.bytes + 7) / 8);
      fill(expected[i].data(), loop.bytes, i);
    }
    steps_counted = 0;
    loop.run(expected[0].data(), expected[1].data(), loop.count);

    StepState state;
    state.rt = &rt;
    state.total = steps_counted;
    state.objects = loop.objects;
    make(&state, loop.bytes);
    clear_the_stack_below();
    stepping = &state;
    run(loop, state);
    stepping = nullptr;
    EXPECT_EQ(state.steps, state.total);
    EXPECT_LT(state.lost_at, 0) << "lost at step " << state.lost_at << " of " << state.total;
    if (state.lost_at >= 0) continue;
    for (int i = 0; i < loop.objects; ++i) {
      const auto* object = reinterpret_cast<void*>(~state.hidden[i]);
      EXPECT_EQ(std::memcmp(object, expected[i].data(), loop.bytes), 0) << "object " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Compiled, HeapLoops, ::testing::ValuesIn(kCompiled),
                         [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace greyhound::runtime
