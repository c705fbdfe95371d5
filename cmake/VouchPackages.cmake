# What `cpack -G DEB` makes: libvouch0 from the component `runtime`, libvouch-dev from `development`; of the linter
# libvouch-lint0, libvouch-lint-dev and vouch-lint, the program. Meant for a build configured with the prefix /usr
# and without tests, which is what scripts/package does.
set(CPACK_GENERATOR DEB)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_COMPONENTS_ALL runtime development)
if(VOUCH_LINT)
  list(APPEND CPACK_COMPONENTS_ALL lint_runtime lint_development lint)
endif()
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
  GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_PACKAGE_CONTACT "The vouch authors <authors@vouch.invalid>" CACHE STRING
  "Who answers for the packages, with an address")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(about "vouch sends commands to Redis and Valkey servers and says of each one
whether it was applied, was not applied, or may have been: also when
connections break, servers are killed or deadlines pass.
.
This package has")
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION "${about} the shared library.")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "${about} the headers, the static library, and the
files by which CMake and pkg-config find both.")
set(CPACK_COMPONENT_DEVELOPMENT_DEPENDS runtime)

set(about "vouch-lint reads Lua scripts for Redis and Valkey as the server's own
compiler does, follows what their variables may hold, and tells what would go
wrong: at once, or on the day when a key is missing or memory is short.
.
This package has")
set(CPACK_COMPONENT_LINT_RUNTIME_DESCRIPTION "${about} the shared library.")
set(CPACK_COMPONENT_LINT_DEVELOPMENT_DESCRIPTION "${about} the header, the static library, and the
files by which CMake and pkg-config find both.")
set(CPACK_COMPONENT_LINT_DEVELOPMENT_DEPENDS lint_runtime development)
set(CPACK_COMPONENT_LINT_DESCRIPTION "${about} the program, which needs no server.")

set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
# The package is named after the SONAME, and so a later one of the same name serves what was linked with this.
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME libvouch0)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libvouch-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
# What vouch.pc requires.
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS libssl-dev)

set(CPACK_DEBIAN_LINT_RUNTIME_PACKAGE_NAME libvouch-lint0)
set(CPACK_DEBIAN_LINT_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LINT_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_LINT_DEVELOPMENT_PACKAGE_NAME libvouch-lint-dev)
set(CPACK_DEBIAN_LINT_DEVELOPMENT_PACKAGE_SECTION libdevel)
# What vouch-lint.pc requires.
set(CPACK_DEBIAN_LINT_DEVELOPMENT_PACKAGE_DEPENDS liblua5.4-dev)
set(CPACK_DEBIAN_LINT_PACKAGE_NAME vouch-lint)
set(CPACK_DEBIAN_LINT_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_LINT_PACKAGE_SHLIBDEPS ON)

# dpkg is told that ldconfig has something to do. Without scripts of ours CPack would add some that call it.
set(control ${PROJECT_BINARY_DIR}/install/control)
file(WRITE ${control}/triggers "activate-noawait ldconfig\n")
foreach(script IN ITEMS postinst postrm)
  file(WRITE ${control}/${script} "#!/bin/sh\n# ldconfig is run by dpkg's trigger.\nset -e\nexit 0\n")
endforeach()
foreach(component IN ITEMS RUNTIME LINT_RUNTIME)
  set(CPACK_DEBIAN_${component}_PACKAGE_CONTROL_EXTRA
    ${control}/triggers ${control}/postinst ${control}/postrm)
endforeach()

# Debian wants the licence and a change log under the package's name; elsewhere nobody looks for them there.
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(WRITE ${control}/changelog.Debian
  "vouch (${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=medium\n\n"
  "  * Made from the sources of ${PROJECT_VERSION}.\n\n -- ${CPACK_PACKAGE_CONTACT}  ${now}\n")
file(ARCHIVE_CREATE OUTPUT ${control}/changelog.Debian.gz PATHS ${control}/changelog.Debian
  FORMAT raw COMPRESSION GZip COMPRESSION_LEVEL 9)
foreach(name IN LISTS CPACK_COMPONENTS_ALL)
  string(TOUPPER ${name} component)
  set(folder ${CMAKE_INSTALL_DATAROOTDIR}/doc/${CPACK_DEBIAN_${component}_PACKAGE_NAME})
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE RENAME copyright DESTINATION ${folder}
    COMPONENT ${name} EXCLUDE_FROM_ALL)
  install(FILES ${control}/changelog.Debian.gz DESTINATION ${folder}
    COMPONENT ${name} EXCLUDE_FROM_ALL)
endforeach()
include(CPack)
