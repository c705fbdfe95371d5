# Writes the linter's rules as C: of each rules/<name>.lua an array, and a table `rules` of their names, in order,
# that ends with a NULL; and sandbox.lua and common.lua as `sandbox` and `common`. A folder without rules is a table
# without any.
# Run with -DSOURCES=<src/lint> -DOUTPUT=<file> -P.

# An array of a file's bytes and a NUL.
function(array_of file name out)
  file(READ "${file}" bytes HEX)
  string(REGEX REPLACE "(..)" "'\\\\x\\1', " bytes "${bytes}")
  set(${out} "static const char ${name}[] = {${bytes}0x00};\n" PARENT_SCOPE)
endfunction()

file(GLOB sources "${SOURCES}/rules/*.lua")
list(SORT sources)
set(text "")
set(table "")
set(number 0)
foreach(source IN LISTS sources)
  get_filename_component(name "${source}" NAME_WLE)
  array_of("${source}" "rule_${number}" array)
  string(APPEND text "${array}")
  string(APPEND table "    {\"${name}\", rule_${number}, sizeof rule_${number} - 1},\n")
  math(EXPR number "${number} + 1")
endforeach()
foreach(name IN ITEMS sandbox common)
  set(array "static const char ${name}[] = {0x00};\n")
  if(EXISTS "${SOURCES}/${name}.lua")
    array_of("${SOURCES}/${name}.lua" ${name} array)
  endif()
  string(APPEND text "${array}")
endforeach()
string(APPEND text "static const struct {\n    const char *name, *source;\n    size_t size;\n"
  "} rules[] = {\n${table}    {NULL, NULL, 0},\n};\n")
file(WRITE "${OUTPUT}" "${text}")
