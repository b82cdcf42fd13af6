// SPDX-License-Identifier: MIT
// What frames are called: by a symbol, by a profile's function, and when they have no name.
#include "runtime/watch/pprof/names.h"

#include <gtest/gtest.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include <string>
#include <utility>

#include "runtime/watch/pprof/rust_names.h"
#include "runtime/watch/pprof/symbol_bounds.h"
#include "runtime/watch/pprof/symbolizer.h"
#include "tests/tools/raw_profile.h"
#include "tests/tools/small_profile.h"
#include "tools/common/plain_text.h"

namespace greyhound::pprof {
namespace {

using testing::folded;
using testing::RawProfile;

TEST(Names, OursAreGos) {
  EXPECT_EQ(display_name("greyhound::gc::mallocgc(unsigned long, greyhound::Type const*)"),
            "runtime.mallocgc");
  EXPECT_EQ(display_name("greyhound::gc::Marker::gcDrain(unsigned long)"), "runtime.gcDrain");
  EXPECT_EQ(display_name("greyhound::gc::(anonymous namespace)::mallocgc_slow(unsigned long)"),
            "runtime.mallocgc_slow");
  EXPECT_EQ(display_name("greyhound::gc::Pacer::revise()"), "runtime.Pacer.revise");
  EXPECT_EQ(display_name("void* greyhound::gc::newobject_inl<Node>()"), "runtime.newobject_inl");
}

TEST(Names, OthersLoseTheirParameters) {
  EXPECT_EQ(display_name("main"), "main");
  EXPECT_EQ(display_name("std::vector<int, std::allocator<int> >::push_back(int const&)"),
            "std::vector::push_back");
  EXPECT_EQ(display_name("app::apply(void (*)(int), int)"), "app::apply");
  EXPECT_EQ(display_name("app::Tree<int>::size() const"), "app::Tree::size");
  EXPECT_EQ(display_name("app::Less::operator()(int, int) const"), "app::Less::operator()");
  EXPECT_EQ(display_name("app::operator<(app::A const&, app::B const&)"), "app::operator<");
  EXPECT_EQ(display_name("app::run(int)::{lambda()#1}::operator()() const"),
            "app::run::{lambda#1}::operator()");
}

TEST(Names, OperatorsKeepTheirOwnBrackets) {
  EXPECT_EQ(display_name("bool std::operator==<char>(std::A<char> const&, char const*)"),
            "std::operator==");
  EXPECT_EQ(display_name("app::S& app::operator<< <char>(app::S&, char)"), "app::operator<<");
  EXPECT_EQ(display_name("app::operator<=>(app::A, app::A)"), "app::operator<=>");
  EXPECT_EQ(display_name("app::P<int>::operator->() const"), "app::P::operator->");
  EXPECT_EQ(display_name("operator new(unsigned long)"), "operator new");
  EXPECT_EQ(display_name("operator new[](unsigned long)"), "operator new[]");
  EXPECT_EQ(display_name("app::A<int>::operator unsigned long() const"),
            "app::A::operator unsigned long");
  EXPECT_EQ(display_name("app::Fn<bool (int)>::operator()(int) const"), "app::Fn::operator()");
  EXPECT_EQ(display_name("app::Operators<app::operator_base>::run(int)"), "app::Operators::run");
}

TEST(Names, MangledOnesOfProfilesAreShownAsWritten) {
  EXPECT_EQ(shown_name("_ZNSt6vectorIiSaIiEE9push_backERKi", ""), "std::vector::push_back");
  EXPECT_EQ(shown_name("__ZN3app3runEv", ""), "app::run") << "Mach-O's underscore";
  EXPECT_EQ(shown_name("", "_ZN3app3runEv"), "app::run");
  EXPECT_EQ(shown_name("_ZN3app3runEv.part.0", ""), "app::run");
  EXPECT_EQ(shown_name("_ZN9greyhound2gc8mallocgcEm", ""), "runtime.mallocgc");
  EXPECT_EQ(shown_name("main.(*T).run", "main.(*T).run"), "main.(*T).run");
  EXPECT_EQ(shown_name("app::run(int)", "_ZN3app3runEi"), "app::run(int)") << "it has a name";
  EXPECT_EQ(shown_name("_ZN3app12_GLOBAL__N_13runEv", ""), "app::(anonymous namespace)::run");
  EXPECT_EQ(shown_name("_ZN9greyhound2gc12_GLOBAL__N_13runEv", ""), "runtime.run");
  EXPECT_EQ(shown_name("_ZN3app3runEi@@APP_14", ""), "app::run");
  EXPECT_EQ(shown_name("_Zebra", ""), "_Zebra");
  EXPECT_EQ(shown_name("_Read", ""), "_Read");
  EXPECT_EQ(shown_name("_", ""), "_");
  EXPECT_EQ(shown_name("", ""), "");
}

TEST(Names, RustsAreReadByBothOfItsManglings) {
  EXPECT_EQ(shown_name("_ZN4core3fmt9Formatter9write_str17h0123456789abcdefE", ""),
            "core::fmt::Formatter::write_str");
  EXPECT_EQ(
      shown_name("_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$"
                 "3bar17h930b740aa94f1d3aE",
                 ""),
      "<Test + 'static as foo::Bar<Test>>::bar");
  EXPECT_EQ(shown_name("_RNvNtCs1234_7mycrate3foo3bar", ""), "mycrate::foo::bar");
  EXPECT_EQ(shown_name("_RNvCskwGfYPst2Cb_3foo16example_function", ""), "foo::example_function");
  EXPECT_EQ(demangle_rust("_RNCNvCs1_3foo3bar0"), "foo::bar::{closure#0}");
  EXPECT_EQ(demangle_rust("_RNCNvCs1_3foo3bars_0"), "foo::bar::{closure#1}");
  EXPECT_EQ(demangle_rust("_RNvMCs1_3fooNtB2_3Foo3new"), "<foo::Foo>::new");
  EXPECT_EQ(demangle_rust("_RNvXCs1_3fooNtB2_3FooNtB2_5Trait3run"),
            "<foo::Foo as foo::Trait>::run");
  EXPECT_EQ(demangle_rust("_RINvCs1_3foo3mapReE"), "foo::map::<>")
      << "generic arguments are left out";
  EXPECT_EQ(demangle_rust("_RNvYTlReE"
                          "NtCs1_3foo5Trait3run"),
            "<(i32, &str) as foo::Trait>::run");
  EXPECT_EQ(demangle_rust("_RNvCs1_3foo3bar.llvm.1234"), "foo::bar");
}

TEST(Names, SymbolsThatWouldGrowWithoutBoundsAreShortened) {
  // Each template argument is twice the one before it.
  std::string symbol = "_Z1f1XIiiES_IS0_S0_E";
  for (const std::string previous : {"S1_", "S2_", "S3_", "S4_", "S5_", "S6_", "S7_", "S8_", "S9_",
                                     "SA_", "SB_", "SC_", "SD_", "SE_", "SF_", "SG_", "SH_", "SI_",
                                     "SJ_", "SK_", "SL_", "SM_", "SN_", "SO_", "SP_", "SQ_", "SR_"})
    symbol += "S_I" + previous + previous + "E";
  EXPECT_EQ(shown_name(symbol, ""), "f");
  // What is only among arguments is not needed for the name.
  const std::string heavy = "_ZN3app3MapI1XIiiELb1EA10_cM1CFvvEPFLi3EvEE6insertIJS1_S1_EEEv" +
                            symbol.substr(symbol.find("S_I"));
  EXPECT_EQ(shown_name(heavy, ""), "app::Map::insert");
  // Four arguments, each 32 times as long as the one before it: 2^20 times this.
  std::string grown = "_Z1fN12_GLOBAL__N_11xE";
  for (const auto& [name, previous] : {std::pair("1b", "S0_"), std::pair("1c", "S2_"),
                                       std::pair("1d", "S4_"), std::pair("1e", "S6_")}) {
    grown += std::string(name) + "I";
    for (int i = 0; i < 31; ++i) grown += previous;
    grown += "E";
  }
  EXPECT_EQ(shown_name(grown, ""), "f");
  EXPECT_FALSE(is_bounded(grown));
  const std::string deep = "_Z1f" + std::string(100'000, 'P') + "i";
  EXPECT_EQ(shown_name(deep, ""), deep);
  EXPECT_EQ(demangle_rust("_RNvY" + std::string(100'000, 'R') + "eNtC3foo1T1f"), std::nullopt);
  // A reference to the type that it stands in.
  EXPECT_EQ(demangle_rust("_RNvMC3fooB_3bar"), std::nullopt);
  EXPECT_EQ(demangle_rust("_RNvMC3fooTB7_B7_E3bar"), std::nullopt);
}

// libstdc++'s demangler gives up on them; what is not in the name is left out before.
TEST(Names, LongSymbolsAreShortened) {
  for (const size_t length : {100, 900, 1100, 2000, 8000, 30'000})
    EXPECT_EQ(shown_name("_ZN3app3runI" + std::string(length, 'i') + "EEvv", ""), "app::run")
        << length;
}

TEST(Names, ArgumentsAreSkippedWhateverTheyAre) {
  EXPECT_EQ(without_arguments("_ZN3app3runINSt7__cxx1112basic_stringIcEENS_12_GLOBAL__N_11xE"
                              "ZNS_L1gEvEUlvE0_LNS_1eE7EEEvv"),
            "_ZN3app3runEv");
  EXPECT_EQ(without_arguments("_ZN3app1AIiECI2NS_1BIiEEEi"), "_ZN3app1AC2Ev") << "inherited";
  EXPECT_EQ(without_arguments("_ZN3app1AIiECI1St1BIiEEi"), "_ZN3app1AC1Ev");
}

TEST(Names, WhatIsReplacedManyTimesIsReplacedOnce) {
  std::string name, shown;
  for (int i = 0; i < 200'000; ++i) {
    name += "(anonymous namespace)::";
    shown += "a::";
  }
  EXPECT_EQ(display_name(name + "f()"), "f");
  EXPECT_EQ(display_name(shown + "f()"), shown + "f");
}

TEST(Names, RustSymbolsAreNotReadWithoutEnd) {
  const std::string digits(7000, 'f');
  EXPECT_EQ(demangle_rust("_RINvC1c1fKm" + digits + "_E"), "c::f::<>");
  EXPECT_EQ(demangle_rust("_RINvC1c1fKm" + digits + digits + "_E"), std::nullopt);
  EXPECT_EQ(demangle_rust("_RNvMC1cAhj2a_1f"), "<[u8; 0x2a]>::f");
  EXPECT_EQ(demangle_rust("_RNvMC1cAlln2a_1f"), "<[i32; -0x2a]>::f");
}

// What differs from run to run is in no name: two runs are to be compared.
TEST(Names, FramesWithoutANameAreNamedByWhatIsMapped) {
  RawProfile raw("cpu", "nanoseconds");
  raw.mapping(1, "/usr/lib/libfoo.so.1").mapping(2, "");
  raw.location(1, {}, 0x7f0000401234, 1).location(2, {}, 0x7f0000401300, 1);
  raw.location(3, {}, 0x1000, 2).location(4, {}, 0x2000, 0).location(5, {}, 0, 77);
  raw.function(6, "").location(6, {6}, 0xffffffffffffffff, 1);
  raw.function(7, "0x7fb7f84d44a2").location(7, {7});
  raw.sample({1}, {1}).sample({2}, {2}).sample({3}, {4}).sample({4}, {8}).sample({5}, {16});
  raw.sample({6}, {32}).sample({7}, {64}).sample({}, {128});
  EXPECT_EQ(folded(raw.unpacked()), "(no stack) 128\n<unknown> 92\n[libfoo.so.1] 35\n");
}

TEST(Names, OursHaveNoAddressesEither) {
  // In the middle of a mapping: what lies close behind a library libdw takes for a part of it.
  constexpr size_t kSize = 1 << 20;
  void* pages = mmap(nullptr, kSize, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  Symbolizer symbolizer;
  const auto name = [&](uint64_t address) {
    return symbolizer.call_before(address + 2).frames.at(0).name;
  };
  EXPECT_EQ(name(reinterpret_cast<uint64_t>(pages) + kSize / 2), "<unknown>");
  munmap(pages, kSize);
  const uint64_t vdso = getauxval(AT_SYSINFO_EHDR);
  if (vdso == 0) return;
  EXPECT_EQ(name(vdso), "[vdso]") << "libdw adds the process's number";
}

TEST(Names, TextIsPlain) {
  EXPECT_EQ(plain_text("main::f(int) – ψ 犬 🐕"), "main::f(int) – ψ 犬 🐕");
  EXPECT_EQ(plain_text("a\tb\nc\rd"), "a\\tb\\nc\\rd");
  EXPECT_EQ(plain_text("\x1b]0;owned\x07"), "\\x1b]0;owned\\x07");
  EXPECT_EQ(plain_text("\x7f\xc2\x9b"), "\\x7f\\u009b") << "DEL and the one-character CSI";
  EXPECT_EQ(plain_text("\u202egnp\u2066\u200b\u2028\ufeff"),
            "\\u202egnp\\u2066\\u200b\\u2028\\ufeff");
  EXPECT_EQ(plain_text("\xff\xc3(\xe2\x82"), "\\xff\\xc3(\\xe2\\x82");
  EXPECT_EQ(plain_text("\xc0\x80\xed\xa0\x80"), "\\xc0\\x80\\xed\\xa0\\x80")
      << "overlong; a surrogate";
}

}  // namespace
}  // namespace greyhound::pprof
