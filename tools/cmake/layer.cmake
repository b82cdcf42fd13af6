# SPDX-License-Identifier: MIT
#
# greyhound_flags(TARGET)                    the flags of every target of ours
# greyhound_batches(TARGET [ALONE REGEX])    compile its files in batches, but those whose path matches by themselves
# greyhound_layer(NAME [CORE] [LAYERS L...]) one static library per layer folder, from its *.cc
#
# All act on one target, never on directories or globals, so that a project which takes Greyhound in by
# add_subdirectory keeps its own flags. What an embedder compiles is free to use exceptions, RTTI and any
# optimisation: only what must agree across the boundary is PUBLIC. tools/check-layering reads the LAYERS
# argument of each call and compares it with the #include directives.

# Frames are kept in every build: profiles walk frame pointers, and a sibling call would drop convT2E and
# its like from the chain. The baseline is x86-64-v1 unless the caller's CMAKE_CXX_FLAGS say otherwise.
function(greyhound_flags target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_compile_options(${target} PRIVATE
    -g -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer -fno-optimize-sibling-calls
    -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align -Wvla)
  if(GREYHOUND_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(GREYHOUND_SANITIZE)
    target_compile_options(${target} PRIVATE -g1)  # a report wants lines, and no more
    # vptr checks need RTTI, which the core layers are built without.
    target_compile_options(${target} PRIVATE
      -fsanitize=${GREYHOUND_SANITIZE} -fno-sanitize=vptr -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${GREYHOUND_SANITIZE})
  endif()
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS ON)
endfunction()

# Most of what a test or a command costs to compile is the code of the libraries it uses (gtest, json, CLI11),
# made anew for each file. A batch makes it once. What is in an anonymous namespace must then be named apart
# in the whole folder; experiments, which are written to one pattern, stay ALONE. The layers are never batched:
# what is measured is compiled as an embedder's build compiles it.
function(greyhound_batches target)
  cmake_parse_arguments(PARSE_ARGV 1 batches "" "ALONE" "")
  if(NOT GREYHOUND_UNITY)
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 6)
  if(batches_ALONE)
    get_target_property(sources ${target} SOURCES)
    list(FILTER sources INCLUDE REGEX "${batches_ALONE}")
    set_source_files_properties(${sources} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
endfunction()

# CORE: no exceptions, no RTTI. A layer without sources yet still makes a library, from an empty file.
function(greyhound_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 layer "CORE" "" "LAYERS")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cc")
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  if(name STREQUAL "runtime")
    list(FILTER sources EXCLUDE REGEX "^${CMAKE_CURRENT_SOURCE_DIR}/base/")
  endif()
  if(NOT sources)
    set(sources "${CMAKE_CURRENT_BINARY_DIR}/empty_layer.cc")
    file(CONFIGURE OUTPUT "${sources}" CONTENT "// The ${name} layer has no sources yet.\n")
  endif()

  set(target greyhound_${name})
  add_library(${target} STATIC ${sources})
  add_library(greyhound::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(${target} PUBLIC
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>"
    "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/greyhound>")
  greyhound_flags(${target})
  target_compile_definitions(${target} PRIVATE
    GREYHOUND_VERSION="${PROJECT_VERSION}" GREYHOUND_PROBES=$<BOOL:${GREYHOUND_PROBES}>)
  if(layer_CORE)
    target_compile_options(${target} PRIVATE -fno-exceptions -fno-rtti)
  endif()
  foreach(below IN LISTS layer_LAYERS)
    target_link_libraries(${target} PUBLIC greyhound::${below})
  endforeach()
endfunction()
