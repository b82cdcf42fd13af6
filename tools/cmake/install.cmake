# SPDX-License-Identifier: MIT
#
# Install rules and the CMake package. Headers go under include/greyhound, and that folder is on the include
# path of greyhound::runtime, so `#include "gc/heap/heap.h"` reads the same inside and outside the tree.
# Headers named testing.h open internals to our tests and are not installed.

include(CMakePackageConfigHelpers)

set(greyhound_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/greyhound")

install(TARGETS greyhound_base greyhound_gc greyhound_maps greyhound_runtime
  EXPORT greyhound-targets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(DIRECTORY runtime gc maps
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/greyhound"
  FILES_MATCHING PATTERN "*.h" PATTERN "*.def" PATTERN "testing.h" EXCLUDE
  REGEX "/runtime/watch$" EXCLUDE)
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")
if(TARGET greyhound)
  install(TARGETS greyhound RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()

# The components beside the runtime: each its own export and install component, because it wants libraries that the
# runtime does not. Their public headers, which include no header of a third party's: tools/check-layering reads this.
set(greyhound_public_headers
  runtime/watch/pprof/cpu_profile.h
  runtime/watch/pprof/gc_profile.h
  runtime/watch/pprof/heap_profile.h
  runtime/watch/pprof/profile.h
  runtime/watch/pprof/profile_files.h
  runtime/watch/pprof/wait_profile.h
  runtime/watch/pprof/whole_file.h
  runtime/watch/pprof/write_profile.h
  runtime/watch/trace/trace_json.h
  runtime/watch/debughttp/debug_server.h
  runtime/watch/debughttp/observed_runtimes.h)
foreach(component IN ITEMS pprof trace debughttp)
  if(NOT TARGET greyhound_${component})
    continue()
  endif()
  install(TARGETS greyhound_${component}
    EXPORT greyhound-${component}-targets
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT ${component})
  set(headers ${greyhound_public_headers})
  list(FILTER headers INCLUDE REGEX "/watch/${component}/")
  install(FILES ${headers}
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/greyhound/runtime/watch/${component}" COMPONENT ${component})
  install(EXPORT greyhound-${component}-targets
    NAMESPACE greyhound::
    DESTINATION "${greyhound_package_dir}" COMPONENT ${component})
endforeach()

install(EXPORT greyhound-targets
  NAMESPACE greyhound::
  DESTINATION "${greyhound_package_dir}")
export(EXPORT greyhound-targets
  NAMESPACE greyhound::
  FILE "${PROJECT_BINARY_DIR}/greyhound-targets.cmake")

# For builds without CMake. Relative to where the file lies, so that the tree may be moved.
file(RELATIVE_PATH greyhound_pc_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" greyhound_pc_prefix "${greyhound_pc_prefix}")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(greyhound_pc_ivopts " -fno-ivopts")
endif()
configure_file(tools/cmake/greyhound.pc.in "${PROJECT_BINARY_DIR}/greyhound.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/greyhound.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

configure_package_config_file(tools/cmake/greyhound-config.cmake.in
  "${PROJECT_BINARY_DIR}/greyhound-config.cmake"
  INSTALL_DESTINATION "${greyhound_package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/greyhound-config-version.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/greyhound-config.cmake"
  "${PROJECT_BINARY_DIR}/greyhound-config-version.cmake"
  DESTINATION "${greyhound_package_dir}")
