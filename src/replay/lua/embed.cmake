# runnel_embed_lua(OUT name...): a C file with redis_text_<name> = lua/open.lua + lua/<name>.lua.
function(runnel_embed_lua OUT)
  set(lua ${CMAKE_CURRENT_SOURCE_DIR}/lua)
  set(text "#include \"replay/redis_scripts.h\"\n")
  file(READ ${lua}/open.lua open HEX)
  foreach(name ${ARGN})
    file(READ ${lua}/${name}.lua own HEX)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${lua}/open.lua ${lua}/${name}.lua)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${open}${own}")
    string(APPEND text "const char redis_text_${name}[] = {${bytes}};\n"
      "const size_t redis_text_${name}_size = sizeof redis_text_${name};\n")
  endforeach()
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${OUT} CONTENT "${text}" @ONLY)
endfunction()
