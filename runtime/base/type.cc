// SPDX-License-Identifier: MIT
#include "runtime/base/type.h"

namespace greyhound {

const char* verify_type(const Type& type) {
  const size_t align = type.align;
  if (align == 0 || (align & (align - 1)) != 0) return "alignment is not a power of two";
  if (align > 16) return "alignment is above 16 bytes";
  if (type.size % align != 0) return "size is not a multiple of the alignment";
  if (type.ptrdata % 8 != 0) return "ptrdata is not a multiple of 8";
  if (type.ptrdata > type.size) return "ptrdata is beyond the size";
  if ((type.equal == nullptr) != (type.hasher == nullptr))
    return "equality and hash are given both or neither";
  if (type.ptrdata == 0) return nullptr;
  if (type.size > kMaxPointerTypeBytes) return "a type with pointers is above 1 GiB";
  if (align < 8) return "a type with pointers is aligned below 8 bytes";
  if (type.ptrmask == nullptr) return "a type with pointers has no pointer mask";
  if (!type.is_pointer_word(type.ptrdata / 8 - 1)) return "ptrdata does not end at a pointer word";
  return nullptr;
}

}  // namespace greyhound
