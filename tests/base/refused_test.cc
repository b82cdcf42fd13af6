// SPDX-License-Identifier: MIT
// What type_of and Ref refuse at compile time. Each case is a small program that the compiler gets
// with -fsyntax-only: it must be refused, and with the words that say what to do instead. One
// program that must pass shows that the refusals are not the harness's own.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include <sys/wait.h>

namespace {

#ifndef GREYHOUND_CXX
#if defined(__clang__)
#define GREYHOUND_CXX "clang++"
#else
#define GREYHOUND_CXX "g++"
#endif
#endif

struct Case {
  const char* name;
  const char* fields;   // at global scope
  const char* use;      // in main
  const char* because;  // part of the compiler's message; null when it must compile
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

constexpr const char* kUse = "return static_cast<int>(type_of<T>()->size);";

const Case kCases[] = {
    {"APlainStructIsTaken", "struct T { Ref<T> next; int64_t value; };", kUse, nullptr},
    {"ARawPointer", "struct T { int* p; };", kUse, "use Ref<T>, or Unmanaged<T>"},
    {"ARawPointerInANestedStruct", "struct U { void* p; }; struct T { int a; U u; };", kUse,
     "use Ref<T>, or Unmanaged<T>"},
    {"ARawPointerInAnArray", "struct T { std::array<char*, 2> p; };", kUse,
     "use Ref<T>, or Unmanaged<T>"},
    {"ADestructor", "struct T { int a; ~T() { a = 0; } };", kUse, "destructor"},
    {"AMemberWithADestructor", "struct U { int a; ~U() { a = 0; } }; struct T { U u; };", kUse,
     "destructor"},
    {"OverAlignment", "struct alignas(32) T { std::array<int64_t, 4> a; };", kUse, "at most 16"},
    {"OverAlignmentOfAListedType",
     "struct alignas(32) T { T() {} std::array<int64_t, 4> a; };\nGREYHOUND_TYPE(T, a)", kUse,
     "at most 16"},
    {"ACArray", "struct T { Ref<T> next[3]; };", kUse, "type_of.h"},
    {"ABitField", "struct T { int a : 3; int b : 4; Ref<T> next; };", kUse, "type_of.h"},
    {"AUnion", "union T { Ref<T> next; int64_t a; };", kUse, "type_of.h"},
    {"AFloatingPointTypeThatGoHasNot", "struct T { __float128 a; };", kUse, "type_of.h"},
    {"ABase", "struct U { Ref<U> next; }; struct T : U { int a; };", kUse, "type_of.h"},
    {"AnUnlistedField", "struct T { T() {} int64_t a; Ref<T> forgotten; };\nGREYHOUND_TYPE(T, a)",
     kUse, "does not list"},
    {"AnUnlistedFieldBetween",
     "struct T { T() {} int64_t a; Ref<T> forgotten; int64_t b; };\nGREYHOUND_TYPE(T, a, b)", kUse,
     "does not list"},
    {"AClassThatListsNothing", "class T { public: T() {} private: Ref<T> next; };", kUse,
     "type_of.h"},
    {"TwentyFiveFields", "struct T { char a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y; };",
     kUse, "type_of.h"},
    {"AReferenceToADerivedObjectAsABase",
     "struct U { int a; }; struct V { int b; }; struct W : U, V {};",
     "W w; Ref<V> ref(&w); return ref.get() != nullptr;", "deleted"},
    {"AssignmentOfADerivedObject", "struct U { int a; }; struct V { int b; }; struct W : U, V {};",
     "W w; Ref<V> ref; ref = &w; return ref.get() != nullptr;", "deleted"},
    {"AReferenceToADerivedObject", "struct U { int a; }; struct V { int b; }; struct W : U, V {};",
     "Ref<W> w; Ref<V> ref(w); return ref.get() != nullptr;", "deleted"},
    {"AssignmentOfAReferenceToADerivedObject",
     "struct U { int a; }; struct V { int b; }; struct W : U, V {};",
     "Ref<W> w; Ref<V> ref; ref = w; return ref.get() != nullptr;", "deleted"},
    {"AnInteriorRefAsARef", "struct U { int a; };",
     "InteriorRef<U> inside; Ref<U> ref(inside); return ref.get() != nullptr;", "deleted"},
    {"AssignmentOfAnInteriorRefToARef", "struct U { int a; };",
     "InteriorRef<U> inside; Ref<U> ref; ref = inside; return ref.get() != nullptr;", "deleted"},
    {"AnIteratorOfAMap",
     "#include \"maps/map.h\"\nstruct T { maps::Map<int64_t, int64_t>::Iterator at; };", kUse,
     "destructor"},
    {"AnInteriorRefTakesBaseSubobjectsAndRefs",
     "struct U { int a; }; struct V { int b; }; struct W : U, V {};",
     "Ref<W> w; InteriorRef<V> a(w.get()); a = w; InteriorRef<int> b(&a->b); Ref<W> c(w); c = w; "
     "c = nullptr; b = nullptr; return b.get() != nullptr;",
     nullptr},
};

class Refused : public ::testing::TestWithParam<Case> {};

TEST_P(Refused, AtCompileTime) {
  const Case& c = GetParam();
  char path[] = "/tmp/greyhound_refused_XXXXXX.cc";
  const int file = mkstemps(path, 3);
  ASSERT_GE(file, 0);
  FILE* out = fdopen(file, "w");
  std::fprintf(
      out,
      "#include <array>\n#include <cstdint>\n#include \"gc/mutator/ref.h\"\nusing namespace "
      "greyhound;\n%s\n"
      "int main() { %s }\n",
      c.fields, c.use);
  std::fclose(out);
  const std::string command =
      std::string(GREYHOUND_CXX " -std=gnu++20 -fsyntax-only -I" GREYHOUND_SOURCE_DIR " ") + path +
      " 2>&1";
  FILE* compiler = popen(command.c_str(), "r");
  ASSERT_NE(compiler, nullptr);
  std::string said;
  char line[512];
  while (std::fgets(line, sizeof line, compiler) != nullptr) said += line;
  const int status = pclose(compiler);
  std::remove(path);
  if (WEXITSTATUS(status) == 127) GTEST_SKIP() << "no compiler: " GREYHOUND_CXX;
  if (c.because == nullptr) {
    EXPECT_EQ(status, 0) << said;
    return;
  }
  EXPECT_NE(status, 0) << "it compiles";
  EXPECT_NE(said.find(c.because), std::string::npos) << said;
  EXPECT_EQ(said.find("fatal error"), std::string::npos) << "a missing header: " << said;
}

INSTANTIATE_TEST_SUITE_P(Types, Refused, ::testing::ValuesIn(kCases),
                         [](const auto& param) { return param.param.name; });

}  // namespace
