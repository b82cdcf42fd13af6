// SPDX-License-Identifier: MIT
#include "tools/callsites/known_functions.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace greyhound::callsites {
namespace {

constexpr auto kAllocators = std::to_array<std::string_view>(
    {"runtime.mallocgc", "runtime.mallocgc_slow", "runtime.malloc_fast", "runtime.newobject",
     "runtime.newarray"});

constexpr auto kOffHeap = std::to_array<std::string_view>(
    {"malloc", "calloc", "realloc", "reallocarray", "aligned_alloc", "memalign", "posix_memalign",
     "strdup", "mi_malloc", "mi_calloc", "mi_zalloc", "mi_realloc", "mi_malloc_aligned",
     "mi_zalloc_aligned", "mi_new", "mi_new_aligned", "mi_heap_malloc"});

constexpr auto kNeverReturn = std::to_array<std::string_view>({"abort",
                                                               "exit",
                                                               "_exit",
                                                               "_Exit",
                                                               "quick_exit",
                                                               "pthread_exit",
                                                               "longjmp",
                                                               "siglongjmp",
                                                               "__longjmp_chk",
                                                               "__assert_fail",
                                                               "__stack_chk_fail",
                                                               "__chk_fail",
                                                               "__fortify_fail",
                                                               "__cxa_throw",
                                                               "__cxa_rethrow",
                                                               "__cxa_bad_cast",
                                                               "__cxa_bad_typeid",
                                                               "__cxa_throw_bad_array_new_length",
                                                               "__cxa_pure_virtual",
                                                               "_Unwind_Resume",
                                                               "_ZSt9terminatev",
                                                               "__clang_call_terminate"});

constexpr auto kGoNeverReturn = std::to_array<std::string_view>(
    {"runtime.throw", "runtime.fatal", "runtime.gopanic", "runtime.panic", "runtime.goPanic"});

template <class Names>
bool is_one_of(std::string_view name, const Names& names) {
  return std::ranges::find(names, name) != names.end();
}

// Without the version that a symbol of a shared library may carry.
std::string_view unversioned(std::string_view symbol) { return symbol.substr(0, symbol.find('@')); }

}  // namespace

bool is_allocator(const std::string& name) { return is_one_of(name, kAllocators); }

bool is_off_heap_allocator(const std::string& symbol) {
  const std::string_view name = unversioned(symbol);
  return name.starts_with("_Znw") || name.starts_with("_Zna") || is_one_of(name, kOffHeap);
}

bool never_returns(const std::string& symbol) {
  const std::string_view name = unversioned(symbol);
  if (is_one_of(name, kNeverReturn)) return true;
  if (name.starts_with("_ZSt") && name.find("__throw_") != std::string_view::npos) return true;
  return std::ranges::any_of(kGoNeverReturn,
                             [&](std::string_view prefix) { return name.starts_with(prefix); });
}

bool grows_stack(const std::string& symbol) { return symbol.starts_with("runtime.morestack"); }

}  // namespace greyhound::callsites
