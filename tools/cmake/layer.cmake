# SPDX-License-Identifier: MIT
#
# greyhound_flags(TARGET)                    the flags of every target of ours
# greyhound_for_plugins(TARGET)              archives that may go into a shared library
# greyhound_ask_for_frames(TARGET)          frame pointers in the programs that link it
# greyhound_outside_layers(TARGET [ALONE REGEX])  compile a test or a tool cheaply
# greyhound_layer(NAME [CORE] [LAYERS L...]) one static library per layer folder, from its *.cc
# greyhound_component(NAME [COMPONENTS C...] [LIBRARIES L...] [HEADERS L...] [ALONE REGEX])  runtime/watch/NAME
# greyhound_room(NAME [ROOMS R...] [COMPONENTS C...] [LIBRARIES L...] [ALONE REGEX])          tools/NAME
#
# All act on one target, never on directories or globals, so that a project which takes Greyhound in by
# add_subdirectory keeps its own flags. What an embedder compiles is free to use exceptions, RTTI and any
# optimisation: only what must agree across the boundary is PUBLIC. tools/check-layering compares LAYERS, COMPONENTS
# and ROOMS of each call with its tables, to which it holds the #include directives.

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
    # vptr checks need RTTI, which the core layers are built without.
    target_compile_options(${target} PRIVATE
      -fsanitize=${GREYHOUND_SANITIZE} -fno-sanitize=vptr -fno-sanitize-recover=all)
    # GCC sees its sanitizers' own code as uses of what is not set, in <regex> for one.
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
    target_link_options(${target} PUBLIC -fsanitize=${GREYHOUND_SANITIZE})
  endif()
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS ON)
endfunction()

# Most of what a test or a tool costs to compile is the code of the libraries it uses (gtest, json, CLI11), made anew
# for each file. A batch makes it once for six files. Names in anonymous namespaces must then differ within a target;
# experiments, which are written to one pattern, stay ALONE. The layers are never batched: what is measured is
# compiled as an embedder's build compiles it. Where a local variable is at each instruction, a quarter of GCC's time,
# is for the layers and for debug builds. Of UBSan's checks those of each pointer's use, which are half of them and
# find here what AddressSanitizer finds too, are for the layers alone.
function(greyhound_outside_layers target)
  cmake_parse_arguments(PARSE_ARGV 1 batches "" "ALONE" "")
  target_compile_options(${target} PRIVATE
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<NOT:$<CONFIG:Debug>>>:-fno-var-tracking>)
  if(GREYHOUND_SANITIZE MATCHES "undefined")
    target_compile_options(${target} PRIVATE -fno-sanitize=null,alignment,object-size)
  endif()
  if(NOT GREYHOUND_UNITY)
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 6)
  target_compile_options(${target} PRIVATE -Wno-shadow)  # a local name and a neighbour file's are no mistake
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    if(batches_ALONE AND source MATCHES "${batches_ALONE}")
      set_source_files_properties(${source} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    endif()
  endforeach()
endfunction()

# So that a static library can go into an embedder's shared one. Without interposition (which a function of an archive
# is not meant for) position-independent code is as short as the executable's: calls within a file are direct and may
# be inlined, and of an executable the linker takes the detours by the global offset table out again. Nor with GCC's
# symbols of which a process has but one: a library that holds one is never unloaded.
function(greyhound_for_plugins target)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_compile_options(${target} PRIVATE
    -fno-semantic-interposition $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)
endfunction()

# What a program that links a layer is asked to keep: CPU and heap profiles walk its frames by their pointers, and end
# at the first function that has none. The property GREYHOUND_OMIT_FRAME_POINTERS of a target that links it is the way
# out: set_target_properties(app PROPERTIES GREYHOUND_OMIT_FRAME_POINTERS ON).
function(greyhound_ask_for_frames target)
  set(languages "$<COMPILE_LANGUAGE:C,CXX>")
  set(kept "$<NOT:$<BOOL:$<TARGET_PROPERTY:GREYHOUND_OMIT_FRAME_POINTERS>>>")
  target_compile_options(${target} INTERFACE
    "$<$<AND:${languages},${kept}>:-fno-omit-frame-pointer;-mno-omit-leaf-frame-pointer>")
endfunction()

# And of GCC, what its induction variables would hide from the scan of a stack (docs/embedding.md, "Pointers on the
# stack"). Not asked of this project's own programs, which are measured as they are and keep within what scans allow for.
# The property GREYHOUND_IVOPTS of a target that links it is the way out.
function(greyhound_ask_against_ivopts target)
  set(wanted "$<NOT:$<BOOL:$<TARGET_PROPERTY:GREYHOUND_IVOPTS>>>")
  set(option "$<$<AND:$<COMPILE_LANG_AND_ID:CXX,GNU>,${wanted}>:-fno-ivopts>")
  if(PROJECT_IS_TOP_LEVEL)
    target_compile_options(${target} INTERFACE "$<INSTALL_INTERFACE:${option}>")
  elseif(target STREQUAL "greyhound_runtime")
    target_compile_options(${target} INTERFACE "${option}")
  endif()
endfunction()

# CORE: no exceptions, no RTTI. A layer without sources yet still makes a library, from an empty file.
function(greyhound_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 layer "CORE" "" "LAYERS")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cc")
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  if(name STREQUAL "runtime")
    list(FILTER sources EXCLUDE REGEX "^${CMAKE_CURRENT_SOURCE_DIR}/(base|watch)/")
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
  greyhound_for_plugins(${target})
  greyhound_ask_for_frames(${target})
  greyhound_ask_against_ivopts(${target})
  target_compile_definitions(${target} PRIVATE
    GREYHOUND_VERSION="${PROJECT_VERSION}" GREYHOUND_PROBES=$<BOOL:${GREYHOUND_PROBES}>)
  if(layer_CORE)
    target_compile_options(${target} PRIVATE -fno-exceptions -fno-rtti)
  endif()
  foreach(below IN LISTS layer_LAYERS)
    target_link_libraries(${target} PUBLIC greyhound::${below})
  endforeach()
endfunction()

# A component beside the runtime, an archive of its own with the libraries that it alone wants: LIBRARIES are linked, of
# HEADERS there is nothing to link. All are targets; where one is not here the component is left out with a message, and
# only who asks for it (tools/, an embedder) fails. Its public headers are said in tools/cmake/install.cmake.
function(greyhound_component name)
  cmake_parse_arguments(PARSE_ARGV 1 component "" "ALONE" "COMPONENTS;LIBRARIES;HEADERS")
  set(missing)
  foreach(wanted IN LISTS component_LIBRARIES component_HEADERS)
    if(NOT TARGET ${wanted})
      list(APPEND missing ${wanted})
    endif()
  endforeach()
  foreach(wanted IN LISTS component_COMPONENTS)
    if(NOT TARGET greyhound::${wanted})
      list(APPEND missing greyhound::${wanted})
    endif()
  endforeach()
  if(missing)
    list(JOIN missing ", " missing)
    message(STATUS "greyhound: without greyhound::${name}, as there is no ${missing}")
    return()
  endif()

  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cc")
  set(target greyhound_${name})
  add_library(${target} STATIC ${sources})
  add_library(greyhound::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  greyhound_flags(${target})
  greyhound_for_plugins(${target})
  greyhound_outside_layers(${target} ALONE "${component_ALONE}")
  target_compile_definitions(${target} PRIVATE GREYHOUND_VERSION="${PROJECT_VERSION}")
  target_link_libraries(${target} PUBLIC greyhound::runtime PRIVATE ${component_LIBRARIES})
  foreach(below IN LISTS component_COMPONENTS)
    target_link_libraries(${target} PRIVATE greyhound::${below})
  endforeach()
  foreach(header IN LISTS component_HEADERS)
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:${header}>)
  endforeach()
endfunction()

# A room of the command: a static library for its rooms above, the tests and the benchmarks. Nothing of it is installed.
function(greyhound_room name)
  cmake_parse_arguments(PARSE_ARGV 1 room "" "ALONE" "ROOMS;COMPONENTS;LIBRARIES")
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cc")
  list(REMOVE_ITEM sources "${CMAKE_CURRENT_SOURCE_DIR}/${name}/main.cc")
  set(target greyhound_tools_${name})
  add_library(${target} STATIC ${sources})
  greyhound_flags(${target})
  greyhound_outside_layers(${target} ALONE "${room_ALONE}")
  target_compile_definitions(${target} PRIVATE
    GREYHOUND_VERSION="${PROJECT_VERSION}" GREYHOUND_BUILD_TYPE="${CMAKE_BUILD_TYPE}")
  list(TRANSFORM room_ROOMS PREPEND greyhound_tools_)
  list(TRANSFORM room_COMPONENTS PREPEND greyhound::)
  target_link_libraries(${target} PUBLIC ${room_ROOMS} ${room_COMPONENTS} greyhound::runtime ${room_LIBRARIES})
endfunction()
