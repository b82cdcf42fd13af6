// SPDX-License-Identifier: MIT
// Files within the program. The assembler takes them in as they are, looking for them from the
// source root, which is on the include path. The build does not know of this: a file that embeds
// others has them as OBJECT_DEPENDS in tools/CMakeLists.txt.
#pragma once

// NAME holds the bytes of FILE, a path from the source root; NAME_end is just past them.
#define GREYHOUND_EMBED(NAME, FILE)                                    \
  asm(".pushsection .rodata\n" #NAME ":\n.incbin \"" FILE "\"\n" #NAME \
      "_end:\n.byte 0\n"                                               \
      ".popsection\n");                                                \
  extern "C" const char NAME[];                                        \
  extern "C" const char NAME##_end[]
