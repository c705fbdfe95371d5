# Writes what runs inside the server as C: of each <name>.lua an array lua_<name>, without a NUL. Run with
# -DSOURCES=<folder> -DOUTPUT=<file> -P; with -DEXPANDED=<folder> the same is also written there as <name>.lua, for
# the linter.
#
# What several scripts of a folder have in common is in its folder part/: a line of theirs that says nothing but
# "-- here: part/<name>.lua", indented or not, stands for that file. Lua of a server has no `require`.

# Bytes as C: each apart, so that what is looked for is found between bytes alone.
function(bytes_of file out)
  file(READ "${file}" bytes HEX)
  string(REGEX REPLACE "(..)" "0x\\1, " bytes "${bytes}")
  set(${out} "${bytes}" PARENT_SCOPE)
endfunction()

function(line_of text out)
  string(HEX "${text}" bytes)
  string(REGEX REPLACE "(..)" "0x\\1, " bytes "${bytes}")
  set(${out} "${bytes}" PARENT_SCOPE)
endfunction()

file(GLOB sources "${SOURCES}/*.lua")
file(GLOB parts RELATIVE "${SOURCES}" "${SOURCES}/part/*.lua")
list(SORT sources)
set(text "")
line_of("-- here: part/" here)
foreach(source IN LISTS sources)
  get_filename_component(name "${source}" NAME_WE)
  bytes_of("${source}" bytes)
  file(READ "${source}" expanded)
  foreach(part IN LISTS parts)
    bytes_of("${SOURCES}/${part}" part_bytes)
    line_of("-- here: ${part}\n" line)
    string(REPLACE "${line}" "${part_bytes}" bytes "${bytes}")
    file(READ "${SOURCES}/${part}" part_text)
    string(REPLACE "-- here: ${part}\n" "${part_text}" expanded "${expanded}")
  endforeach()
  string(FIND "${bytes}" "${here}" missing)
  if(NOT missing EQUAL -1)
    message(FATAL_ERROR "${source}: wants a part that is not there")
  endif()
  if(EXPANDED)
    file(WRITE "${EXPANDED}/${name}.lua" "${expanded}")
    bytes_of("${EXPANDED}/${name}.lua" written)
    if(NOT written STREQUAL bytes)
      message(FATAL_ERROR "${source}: what the linter is to see is not what the library sends")
    endif()
  endif()
  string(APPEND text "static const char lua_${name}[] = {${bytes}};\n")
endforeach()
file(WRITE "${OUTPUT}" "${text}")
