# What `cmake --install` puts where, and how programs find it: find_package(vouch) and pkg-config. Both compute
# the prefix from where their own file lies, so that an installed tree can be moved.
#
# Two components: `runtime`, what a program needs to run, and `development`, what it needs to be built. The linter's
# are `lint_runtime` and `lint_development`, and `lint`, the program.
include(CMakePackageConfigHelpers)

# What the archive leaves open for the program to link is in three places: vouch_static's link libraries,
# vouch.pc.in and vouch-config.cmake.in. Likewise for the linter's, with vouch-lint.pc.in.
set_target_properties(vouch_static PROPERTIES EXPORT_NAME static)

# What is installed says nothing of the folder it was built in, in its asserts and its debug information neither.
# A debugger that is started in the checkout finds the sources.
get_property(targets DIRECTORY ${PROJECT_SOURCE_DIR}/src PROPERTY BUILDSYSTEM_TARGETS)
foreach(target IN LISTS targets ITEMS vouch-lint)
  if(NOT TARGET ${target})
    continue()
  endif()
  get_target_property(type ${target} TYPE)
  if(type MATCHES "OBJECT_LIBRARY|EXECUTABLE")
    target_compile_options(${target} PRIVATE
      -fmacro-prefix-map=${PROJECT_SOURCE_DIR}=. -fdebug-prefix-map=${PROJECT_SOURCE_DIR}=.)
  endif()
endforeach()

install(TARGETS vouch vouch_static EXPORT vouch
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT development
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/vouch DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  COMPONENT development FILES_MATCHING PATTERN "*.h" PATTERN lint.h EXCLUDE)
# What runs inside the server, for reading: the library has it in itself.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/scripts/lua DESTINATION ${CMAKE_INSTALL_DATADIR}/vouch
  COMPONENT development FILES_MATCHING PATTERN "*.lua")
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT licence)

# Before 1.0 a minor version may change what programs see.
set(compatible SameMajorVersion)
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(compatible SameMinorVersion)
endif()
set(config_folder ${CMAKE_INSTALL_LIBDIR}/cmake/vouch)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/vouch-config.cmake.in
  ${PROJECT_BINARY_DIR}/install/vouch-config.cmake INSTALL_DESTINATION ${config_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/install/vouch-config-version.cmake
  COMPATIBILITY ${compatible})
install(FILES ${PROJECT_BINARY_DIR}/install/vouch-config.cmake
  ${PROJECT_BINARY_DIR}/install/vouch-config-version.cmake
  DESTINATION ${config_folder} COMPONENT development)
install(EXPORT vouch NAMESPACE vouch:: FILE vouch-targets.cmake DESTINATION ${config_folder}
  COMPONENT development)

if(VOUCH_LINT)
  install(TARGETS vouch_lint vouch_lint_static EXPORT vouch_lint
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT lint_runtime NAMELINK_COMPONENT lint_development
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT lint_development)
  install(TARGETS vouch-lint RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT lint)
  install(FILES ${PROJECT_SOURCE_DIR}/include/vouch/lint.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/vouch
    COMPONENT lint_development)
  install(EXPORT vouch_lint NAMESPACE vouch:: FILE vouch-lint-targets.cmake DESTINATION ${config_folder}
    COMPONENT lint_development)
  # For who writes rules: what they may ask, and those that are built in.
  install(FILES ${PROJECT_SOURCE_DIR}/src/lint/README.md DESTINATION ${CMAKE_INSTALL_DATADIR}/vouch/lint
    COMPONENT lint)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/src/lint/rules DESTINATION ${CMAKE_INSTALL_DATADIR}/vouch/lint
    COMPONENT lint FILES_MATCHING PATTERN "*.lua")
endif()

# Relative to the prefix also where the folders were given as absolute ones.
file(RELATIVE_PATH VOUCH_PC_LIBDIR ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_LIBDIR})
file(RELATIVE_PATH VOUCH_PC_INCLUDEDIR ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
file(RELATIVE_PATH VOUCH_PC_TO_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig
  ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" VOUCH_PC_TO_PREFIX "${VOUCH_PC_TO_PREFIX}")
function(install_pc name component)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/${name}.pc.in ${PROJECT_BINARY_DIR}/install/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/install/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
    COMPONENT ${component})
endfunction()
install_pc(vouch development)
if(VOUCH_LINT)
  install_pc(vouch-lint lint_development)
endif()
