// SPDX-License-Identifier: MIT
// Allocation. mallocgc has Go's name and shape: a bump through the mutator's run of free slots for
// the type's layout, no atomic, no color test; everything else is in mallocgc_slow.
//
// Every call is a safepoint. Objects are zeroed and aligned to 16 B (noscan ones below 16 B to
// their size's largest power of two, since they share 16 B blocks, as in Go's tiny allocator). Null
// is returned only when the heap limit is reached and a collection did not help, after the
// embedder's out-of-memory handler has been called.
#pragma once

#include <cstddef>

#include "runtime/base/type.h"

namespace greyhound::gc {

// `size` bytes laid out as `type`, repeated when size is a multiple of type->size. A null or noscan
// type gives memory that is never scanned. A size of 0 gives a shared address outside the heap.
// What is to be walked as an array of one is made by newarray.
void* mallocgc(size_t size, const Type* type);
// One value of `type`.
void* newobject(const Type* type);
// `count` values; null on overflow too. One takes the next size class, so that the collector knows
// it for an array (gc/mark/root_resolver.h).
void* newarray(const Type* type, size_t count);

// Says that nothing refers to the object that `object` points into any more. Frees nothing; but a
// large object that survived the last cycle no longer counts in the heap's goal (a map that has
// grown knows that its old buckets, a third of what it holds, are garbage). Objects that are not
// large, or young, or null are left to the collector.
void known_garbage(const void* object);

}  // namespace greyhound::gc
