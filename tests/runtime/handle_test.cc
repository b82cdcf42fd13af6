// SPDX-License-Identifier: MIT
// Handles, persistents and root arrays as values: copies, assignment, order of destruction,
// threads.
#include <algorithm>
#include <memory>
#include <random>
#include <thread>

#include "tests/runtime/fixture.h"

namespace greyhound::runtime {
namespace {

class HandleTest : public RuntimeTest {
 protected:
  HandleTest() : RuntimeTest(precise_options()) {}
  Node* make(uint64_t value) { return thread.make<Node>(nullptr, value); }
  bool lives(const Node* node) { return is_marked_live(rt, node); }
};

TEST_F(HandleTest, ACopyIsARootOfItsOwn) {
  Node* node = make(1);
  auto first = std::make_unique<Handle<Node>>(node);
  Handle<Node> second(*first);
  first.reset();
  rt.collect();
  EXPECT_TRUE(lives(node));
  EXPECT_EQ(second->value, 1u);
}

TEST_F(HandleTest, AssignmentLetsTheOldObjectGo) {
  Node* old = make(1);
  Handle<Node> handle(old);
  Handle<Node> other(make(2));
  handle = other;
  rt.collect();
  EXPECT_FALSE(lives(old));
  EXPECT_EQ(handle.get(), other.get());
}

TEST_F(HandleTest, HandlesMayDieInAnyOrder) {
  std::mt19937 random(5);
  std::vector<std::unique_ptr<Handle<Node>>> handles;
  for (uint64_t i = 0; i < 200; ++i) handles.push_back(std::make_unique<Handle<Node>>(make(i)));
  std::shuffle(handles.begin(), handles.end(), random);
  while (handles.size() > 50) handles.pop_back();
  rt.collect();
  for (const auto& handle : handles) EXPECT_TRUE(lives(handle->get()));
  handles.clear();
  rt.collect();
  EXPECT_EQ(rt.stats().heap_pages_bytes, 0u);
}

TEST_F(HandleTest, AHandleInAContainerIsARootWhereARawPointerIsNot) {
  std::vector<Handle<Node>> handles;
  std::vector<Node*> raw;
  for (uint64_t i = 0; i < 100; ++i) handles.emplace_back(make(i));
  for (uint64_t i = 0; i < 100; ++i) raw.push_back(make(i));
  rt.collect();
  for (uint64_t i = 0; i < 100; ++i) {
    EXPECT_EQ(handles[i]->value, i);
    EXPECT_FALSE(lives(raw[i]));
  }
}

TEST_F(HandleTest, PersistentsOfOneRuntimeAreSeenByAllItsThreads) {
  Persistent<Node> shared(rt, make(0));
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      Thread attached(rt, "writer");
      for (uint64_t i = 0; i < 3000; ++i) {
        Handle<Node> seen(shared.get());
        shared = attached.make<Node>(nullptr, seen->value + 1);
      }
    });
  }
  for (int i = 0; i < 5; ++i) rt.collect();
  thread.blocking([&] {
    for (std::thread& running : threads) running.join();
  });
  EXPECT_GE(shared->value, 1u);
  EXPECT_LE(shared->value, 9000u);
}

TEST_F(HandleTest, PersistentsMayBeMadeAndDroppedOnThreadsWithoutAMutator) {
  std::unique_ptr<Persistent<Node>> root;
  thread.blocking(
      [&] { std::thread([&] { root = std::make_unique<Persistent<Node>>(rt); }).join(); });
  *root = make(3);
  rt.collect();
  EXPECT_EQ((*root)->value, 3u);
  Node* node = root->get();
  thread.blocking([&] { std::thread([&] { root.reset(); }).join(); });
  rt.collect();
  EXPECT_FALSE(lives(node));
}

TEST_F(HandleTest, ARootArrayFollowsItsWordsNotItsFirstContents) {
  std::array<Node*, 2> words{};
  RootArray roots(words.data(), words.size());
  for (uint64_t i = 0; i < words.size(); ++i) words[i] = make(i + 1);
  Node* first = words[0];
  words[0] = make(3);
  rt.collect();
  EXPECT_FALSE(lives(first));
  EXPECT_EQ(words[0]->value, 3u);
  EXPECT_EQ(words[1]->value, 2u);
}

TEST_F(HandleTest, RootArraysMayBeRegisteredOneOverTheOther) {
  std::array<Node*, 3> words{};
  RootArray outer(words.data(), 3);
  for (Node*& word : words) word = make(1);
  {
    RootArray inner(words.data() + 1, 1);
    rt.collect();
  }
  rt.collect();
  for (Node* node : words) EXPECT_TRUE(lives(node));
}

}  // namespace
}  // namespace greyhound::runtime
