# Writes what runs inside the server as C: of each <name>.lua an array lua_<name>, without a NUL. Run with
# -DSOURCES=<folder> -DOUTPUT=<file> -P.
file(GLOB sources "${SOURCES}/*.lua")
list(SORT sources)
set(text "")
foreach(source IN LISTS sources)
  get_filename_component(name "${source}" NAME_WE)
  file(READ "${source}" bytes HEX)
  string(REGEX REPLACE "(..)" "0x\\1, " bytes "${bytes}")
  string(APPEND text "static const char lua_${name}[] = {${bytes}};\n")
endforeach()
file(WRITE "${OUTPUT}" "${text}")
