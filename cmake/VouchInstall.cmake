# What `cmake --install` puts where, and how programs find it: find_package(vouch) and pkg-config. Both compute
# the prefix from where their own file lies, so that an installed tree can be moved.
#
# Two components: `runtime`, what a program needs to run, and `development`, what it needs to be built.
include(CMakePackageConfigHelpers)

# What the archive leaves open for the program to link is in three places: vouch_static's link libraries,
# vouch.pc.in and vouch-config.cmake.in.
set_target_properties(vouch_static PROPERTIES EXPORT_NAME static)

# What is installed says nothing of the folder it was built in, in its asserts and its debug information neither.
# A debugger that is started in the checkout finds the sources.
get_property(targets DIRECTORY ${PROJECT_SOURCE_DIR}/src PROPERTY BUILDSYSTEM_TARGETS)
foreach(target IN LISTS targets)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL OBJECT_LIBRARY)
    target_compile_options(${target} PRIVATE
      -fmacro-prefix-map=${PROJECT_SOURCE_DIR}=. -fdebug-prefix-map=${PROJECT_SOURCE_DIR}=.)
  endif()
endforeach()

install(TARGETS vouch vouch_static EXPORT vouch
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT development
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/vouch DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  COMPONENT development FILES_MATCHING PATTERN "*.h")
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

# Relative to the prefix also where the folders were given as absolute ones.
file(RELATIVE_PATH VOUCH_PC_LIBDIR ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_LIBDIR})
file(RELATIVE_PATH VOUCH_PC_INCLUDEDIR ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
file(RELATIVE_PATH VOUCH_PC_TO_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig
  ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" VOUCH_PC_TO_PREFIX "${VOUCH_PC_TO_PREFIX}")
configure_file(${PROJECT_SOURCE_DIR}/cmake/vouch.pc.in ${PROJECT_BINARY_DIR}/install/vouch.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/install/vouch.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
  COMPONENT development)
