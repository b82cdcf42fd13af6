// SPDX-License-Identifier: MIT
// Making maps and writing to maps of any type. The specialised paths are in fast32.h, fast64.h and
// faststr.h. All functions run on a thread with a current mutator and are safepoints.
//
// Running out of memory: makemap and mapassign return null, after the embedder's
// handler was called, and the map is as it was (a growth may have begun). mapdelete
// and mapclear need no memory.
//
// Keys may lie in the map itself (or in what was its memory), and so may what is stored into the
// elem that mapassign returns. What lookups returned is readable until the entry is removed, also
// when the table has grown meanwhile; where stacks are not scanned, until the next call, or else
// root it.
//
// Writing to a null map panics; so does a key whose dynamic type cannot be hashed. A second writer
// caught inside the map is fatal ("concurrent map writes").
#pragma once

#include <cstddef>

#include "maps/hmap.h"
#include "maps/map_type.h"

namespace greyhound::maps {

// A new map with room for `hint` entries. `h`, if given, is a zeroed hmap of the caller's,
// in a heap object or on a stack; otherwise one is allocated. With precise stack roots and
// a hint, `h` must be given and rooted, or mapreserve called once the new map is: nothing
// here can root it meanwhile.
hmap* makemap(const MapType* t, size_t hint, hmap* h = nullptr);

// Makes room for `hint` entries in a map that has had none yet. False: out of memory.
bool mapreserve(const MapType* t, hmap* h, size_t hint);

// The elem of `key`, which is inserted with a zero elem if it is missing. The caller
// stores the elem's value at once, with gc::typedmemmove when it has pointers. Valid
// until the map's next write.
void* mapassign(const MapType* t, hmap* h, const void* key);

// Removes `key` if it is there. The table keeps its size.
void mapdelete(const MapType* t, hmap* h, const void* key);

// Removes all entries. The table keeps its size; a growth under way ends, and so do iterations. The
// time goes by the table's size, in pieces between safepoints; for an empty map it takes none.
void mapclear(const MapType* t, hmap* h);

}  // namespace greyhound::maps
