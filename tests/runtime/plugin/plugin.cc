// SPDX-License-Identifier: MIT
// A plugin that uses types of its own and types that another one has as well. Built twice, as
// variants 1 and 2, with nothing but headers; plugin_test.cc loads both apart from each other.
#include <cstdint>

#include "runtime/iface.h"
#include "tests/runtime/plugin/plugin_types.h"

namespace plugin_test {

// Of one name, and not of one structure.
struct Versioned {
#if GREYHOUND_PLUGIN_VARIANT == 1
  int64_t number;
#else
  double number;
#endif
};

namespace {
struct Private {
  int64_t number;
};
}  // namespace

}  // namespace plugin_test

#define PLUGIN_EXPORT extern "C" __attribute__((visibility("default")))

PLUGIN_EXPORT const greyhound::Type* plugin_type(int which) {
  using namespace plugin_test;
  switch (which) {
    case kShared:
      return greyhound::type_of<Shared>();
    case kArrayOfShared:
      return greyhound::type_of<std::array<Shared, 2>>();
    case kVersioned:
      return greyhound::type_of<Versioned>();
    case kPrivate:
      return greyhound::type_of<Private>();
    default:
      return greyhound::type_of<int64_t>();
  }
}

// Go's i.(Shared): the number in it, or -1.
PLUGIN_EXPORT int64_t plugin_number_of(const greyhound::Type* type, void* data) {
  const auto* shared = greyhound::BoxedValue(type, data).as<plugin_test::Shared>();
  return shared == nullptr ? -1 : shared->number;
}
