// SPDX-License-Identifier: MIT
#include "runtime/base/process_exit.h"

#include <dlfcn.h>
#include <unwind.h>

#include <cstdint>
#include <cstdlib>

namespace greyhound {
namespace {

struct Search {
  // In a program that is not position-independent the name is its own stub's, so both are wanted.
  const void* named = reinterpret_cast<const void*>(&std::exit);
  const void* found = dlsym(RTLD_DEFAULT, "exit");
  bool met = false;
};

_Unwind_Reason_Code look_at(_Unwind_Context* context, void* argument) {
  auto* search = static_cast<Search*>(argument);
  // A call that does not return may be the last instruction of its function.
  void* call = reinterpret_cast<void*>(_Unwind_GetIP(context) - 1);
  const void* function = _Unwind_FindEnclosingFunction(call);
  search->met = function != nullptr && (function == search->named || function == search->found);
  return search->met ? _URC_END_OF_STACK : _URC_NO_REASON;
}

}  // namespace

bool called_by_exit() {
  Search search;
  _Unwind_Backtrace(look_at, &search);
  return search.met;
}

}  // namespace greyhound
