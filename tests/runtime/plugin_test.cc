// SPDX-License-Identifier: MIT
// Types across libraries that are loaded apart from each other (dlopen, RTLD_LOCAL): each has a
// descriptor of its own for a type that both know, and it is one type all the same.
#include <dlfcn.h>

#include "maps/map.h"
#include "tests/runtime/fixture.h"
#include "tests/runtime/plugin/plugin_types.h"

namespace greyhound::runtime {
namespace {

using plugin_test::Shared;

class Plugin {
 public:
  explicit Plugin(const char* path) : library_(dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
    if (library_ == nullptr) {
      ADD_FAILURE() << dlerror();
      return;
    }
    type_ = reinterpret_cast<const Type* (*)(int)>(dlsym(library_, "plugin_type"));
    number_of_ =
        reinterpret_cast<int64_t (*)(const Type*, void*)>(dlsym(library_, "plugin_number_of"));
  }
  // Never closed: descriptors outlive every runtime that has seen them.
  const Type* type(plugin_test::Which which) const { return type_(which); }
  int64_t number_of(BoxedValue value) const { return number_of_(value.type(), value.data()); }

 private:
  void* library_;
  const Type* (*type_)(int) = nullptr;
  int64_t (*number_of_)(const Type*, void*) = nullptr;
};

class PluginTest : public RuntimeTest {
 protected:
  static BoxedValue boxed(const Type* type, int64_t number) {
    const Shared value{String::copy("name"), number, -0.0f};
    return convT2E(type, &value);
  }
  const Plugin one_{GREYHOUND_PLUGIN_1};
  const Plugin two_{GREYHOUND_PLUGIN_2};
};

TEST_F(PluginTest, ATypeThatBothHaveIsOneType) {
  for (auto which : {plugin_test::kShared, plugin_test::kArrayOfShared, plugin_test::kInt64}) {
    EXPECT_NE(one_.type(which), two_.type(which)) << "or else the test shows nothing";
    EXPECT_TRUE(same_type(one_.type(which), two_.type(which))) << one_.type(which)->name;
  }
  EXPECT_TRUE(same_type(one_.type(plugin_test::kShared), type_of<Shared>()));
  EXPECT_FALSE(same_type(one_.type(plugin_test::kShared), two_.type(plugin_test::kInt64)));
}

TEST_F(PluginTest, TypesOfOneNameThatAreNotTheSameAreTwo) {
  for (auto which : {plugin_test::kVersioned, plugin_test::kPrivate}) {
    EXPECT_STREQ(one_.type(which)->name, two_.type(which)->name);
    EXPECT_FALSE(same_type(one_.type(which), two_.type(which))) << one_.type(which)->name;
  }
}

TEST_F(PluginTest, AssertionsHoldAcrossPlugins) {
  const BoxedValue value = boxed(one_.type(plugin_test::kShared), 7);
  EXPECT_EQ(one_.number_of(value), 7);
  EXPECT_EQ(two_.number_of(value), 7);
  ASSERT_NE(value.as<Shared>(), nullptr);
  EXPECT_EQ(value.as<Shared>()->number, 7);
  EXPECT_EQ(two_.number_of(to_eface(int64_t{1000})), -1);
}

TEST_F(PluginTest, InterfacesAreEqualKeysAcrossPlugins) {
  auto m = maps::Map<eface, int64_t>::make();
  for (int64_t i = 0; i < 100; ++i)
    m.insert_or_assign(boxed(one_.type(plugin_test::kShared), i), i);
  for (int64_t i = 0; i < 100; ++i) EXPECT_EQ(m.get(boxed(two_.type(plugin_test::kShared), i)), i);
  for (int64_t i = 0; i < 100; ++i) m.insert_or_assign(boxed(type_of<Shared>(), i), i);
  EXPECT_EQ(m.size(), 100);
}

TEST_F(PluginTest, ObjectsOfBothLive) {
  const Type* types[] = {one_.type(plugin_test::kShared), two_.type(plugin_test::kShared)};
  auto* holder = thread.make_array<eface>(2000);
  for (size_t i = 0; i < 2000; ++i) holder[i] = boxed(types[i % 2], static_cast<int64_t>(i));
  rt.collect();
  for (size_t i = 0; i < 2000; ++i) {
    ASSERT_EQ(holder[i].as<Shared>()->number, static_cast<int64_t>(i));
    ASSERT_EQ(holder[i].as<Shared>()->name.view(), "name");
  }
}

}  // namespace
}  // namespace greyhound::runtime
