// SPDX-License-Identifier: MIT
#include "gc/heap/describe.h"

#include "gc/heap/heap.h"
#include "gc/watch/text.h"

namespace greyhound::gc {

void describe_address(const mheap& heap, uintptr_t address, char* buffer, size_t size) {
  Text text(buffer, size);
  if (!heap.contains(address)) return text.add("%#lx is not in this runtime's heap", address);
  const FoundObject found = heap.findObject(address);
  if (found.base == 0) return text.add("%#lx is in the heap, but in no object's slot", address);
  const mspan& span = *found.span;
  const bool large = span.size_class == kLargeClass;
  if (address == found.base) {
    text.add("%#lx is ", address);
  } else {
    text.add("%#lx is byte %lu of the object at %#lx, ", address, address - found.base, found.base);
  }
  if (large) {
    text.add("a large object of %zu B", span.bytes());
  } else {
    text.add("slot %u of %u, %u B each, of the span at %#lx", found.index, span.nelems,
             span.elem_size, span.base);
  }
  // A crash may find a shared span that has just lost its slots' types with its pages.
  const char* type = "unknown";
  if (span.layout != nullptr || span.slot_layouts != nullptr) {
    const Layout* layout = heap.layout_of(&span, found.index);
    const bool handed_out = span.layout != nullptr || layout->id != LayoutRegistry::kNoType;
    type = handed_out ? layout->type_name.c_str() : "none yet (not handed out)";
  }
  text.add(", type %s, %s, %s", type, heap.allocs.test(found.base) ? "allocated" : "free",
           heap.marks.test(found.base) ? "marked" : "not marked");
  if (*reinterpret_cast<const uint64_t*>(found.base) == kClobbered)
    text.add(", overwritten by clobberfree");
}

}  // namespace greyhound::gc
