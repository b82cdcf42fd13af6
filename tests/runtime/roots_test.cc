// SPDX-License-Identifier: MIT
// What is a root: stacks and registers, handles, persistents, root arrays; and what is not.
#include <thread>

#include "tests/runtime/lists.h"

namespace greyhound::runtime {
namespace {

using StackRootsTest = RuntimeTest;

TEST_F(StackRootsTest, PointerInALocalVariableKeepsTheList) {
  Node* list = make_list(1000);
  rt.collect();
  make_list(1000);
  EXPECT_TRUE(is_whole(list, 1000));
}

TEST_F(StackRootsTest, InteriorPointerKeepsItsObject) {
  uint64_t* inside = nullptr;
  {
    Node* node = thread.make<Node>(nullptr, uint64_t{42});
    inside = &node->value;
  }
  rt.collect();
  make_list(1000);
  EXPECT_EQ(*inside, 42u);
}

// The only copy of a pointer is in rbx while the thread blocks: entering a blocking region saves
// rbx on its own frame, which is gone during the region.
GREYHOUND_NOINLINE uintptr_t collect_with_pointer_in_rbx(Runtime& rt, uintptr_t disguised) {
  uintptr_t result = 0;
  asm volatile(
      "movq %[disguised], %%rbx\n\t"
      "notq %%rbx\n\t"
      "movq %[runtime], %%rdi\n\t"
      "call *%[collect]\n\t"
      "movq %%rbx, %[result]\n\t"
      : [result] "=r"(result)
      : [disguised] "r"(disguised), [runtime] "r"(&rt), [collect] "r"(+[](Runtime* runtime) {
          runtime->collect();
        })
      : "rbx", "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
  return result;
}

GREYHOUND_NOINLINE uintptr_t make_disguised(Thread& thread) {
  return ~reinterpret_cast<uintptr_t>(thread.make<Node>(nullptr, uint64_t{77}));
}

TEST_F(StackRootsTest, PointerInACalleeSavedRegisterKeepsItsObject) {
  for (int i = 0; i < 20; ++i) {
    const uintptr_t disguised = make_disguised(thread);
    const auto* node = reinterpret_cast<Node*>(collect_with_pointer_in_rbx(rt, disguised));
    ASSERT_EQ(reinterpret_cast<uintptr_t>(node), ~disguised);
    ASSERT_TRUE(is_marked_live(rt, node));
    ASSERT_EQ(node->value, 77u);
  }
}

TEST_F(StackRootsTest, BlockedThreadKeepsItsRoots) {
  std::atomic<int> phase{0};
  std::thread other([&] {
    Thread attached(rt, "blocked");
    Node* list = make_list(100);
    attached.blocking([&] {
      phase = 1;
      while (phase != 2) std::this_thread::yield();
    });
    EXPECT_TRUE(is_whole(list, 100));
  });
  thread.blocking([&] {
    while (phase != 1) std::this_thread::yield();
  });
  for (int i = 0; i < 3; ++i) rt.collect();
  make_list(10000);
  phase = 2;
  thread.blocking([&] { other.join(); });
}

class PreciseRootsTest : public RuntimeTest {
 protected:
  PreciseRootsTest() : RuntimeTest(precise_options()) {}
};

TEST_F(PreciseRootsTest, HandleKeepsItsObjectAndDroppingItFrees) {
  Handle<Node> handle(thread.make<Node>(nullptr, uint64_t{1}));
  Node* raw = handle.get();
  rt.collect();
  EXPECT_TRUE(is_marked_live(rt, raw));
  handle = nullptr;
  rt.collect();
  EXPECT_FALSE(is_marked_live(rt, raw));
}

TEST_F(PreciseRootsTest, RawPointersAreNoRoots) {
  Node* raw = thread.make<Node>(nullptr, uint64_t{1});
  rt.collect();
  EXPECT_FALSE(is_marked_live(rt, raw));
}

TEST_F(PreciseRootsTest, PersistentKeepsItsObjectAfterItsThreadIsGone) {
  Persistent<Node> root(rt);
  std::thread other([&] {
    Thread attached(rt, "other");
    root = attached.make<Node>(nullptr, uint64_t{5});
  });
  thread.blocking([&] { other.join(); });
  rt.collect();
  EXPECT_EQ(root->value, 5u);
  Node* raw = root.get();
  root = nullptr;
  rt.collect();
  EXPECT_FALSE(is_marked_live(rt, raw));
}

TEST_F(PreciseRootsTest, RootArrayIsRootsUpToItsHeight) {
  std::array<Node*, 8> stack{};
  RootArray roots(stack.data(), 0);
  for (size_t i = 0; i < stack.size(); ++i) {
    stack[i] = thread.make<Node>(nullptr, i);
    roots.resize(i + 1);
  }
  rt.collect();
  for (Node* node : stack) EXPECT_TRUE(is_marked_live(rt, node));
  roots.resize(4);
  rt.collect();
  for (size_t i = 0; i < 4; ++i) EXPECT_TRUE(is_marked_live(rt, stack[i]));
  for (size_t i = 4; i < 8; ++i) EXPECT_FALSE(is_marked_live(rt, stack[i]));
}

TEST_F(PreciseRootsTest, CyclesOfGarbageAreFreed) {
  Handle<Node> a(thread.make<Node>(nullptr, uint64_t{1}));
  Handle<Node> b(thread.make<Node>(a.get(), uint64_t{2}));
  a->next = b.get();
  Node* raw = a.get();
  a = nullptr;
  b = nullptr;
  rt.collect();
  EXPECT_FALSE(is_marked_live(rt, raw));
}

}  // namespace
}  // namespace greyhound::runtime
