# The verbs of the leaf lists: a room is a folder of src/ and a static library, a unit test is one
# file of tests/unit/<room>/. What a room may include is held by tests/lint/rooms.

option(RUNNEL_WERROR "Treat warnings as errors" ON)
option(RUNNEL_FUZZ "Build the fuzz targets (clang)" OFF)
set(RUNNEL_SANITIZERS "" CACHE STRING "address;undefined or thread")

add_library(runnel_flags INTERFACE)
target_compile_definitions(runnel_flags INTERFACE _GNU_SOURCE RUNNEL_VERSION="${PROJECT_VERSION}")
target_compile_options(runnel_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
  -Wvla -Wformat=2 -Wundef -Wpointer-arith -Wcast-qual -Wwrite-strings -Wswitch-enum -Wconversion
  -Wno-sign-conversion -Wimplicit-fallthrough -fno-common -fstack-protector-strong
  $<$<BOOL:${RUNNEL_WERROR}>:-Werror>)
if(RUNNEL_SANITIZERS)
  list(JOIN RUNNEL_SANITIZERS "," _sanitizers)
  target_compile_options(runnel_flags INTERFACE
    -fsanitize=${_sanitizers} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(runnel_flags INTERFACE -fsanitize=${_sanitizers})
endif()
if(RUNNEL_FUZZ)
  target_compile_options(runnel_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# runnel_room(streaming SOURCES … HEADERS … USES runnel::base …)
function(runnel_room NAME)
  cmake_parse_arguments(A "" "" "SOURCES;HEADERS;USES" ${ARGN})
  add_library(runnel_${NAME} STATIC)
  add_library(runnel::${NAME} ALIAS runnel_${NAME})
  target_sources(runnel_${NAME} PRIVATE ${A_SOURCES}
    PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/src FILES ${A_HEADERS})
  set_target_properties(runnel_${NAME} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  target_link_libraries(runnel_${NAME} PUBLIC runnel_flags ${A_USES})
endfunction()

# runnel_unit_test(base str [libraries…]): tests/unit/base/str_test.c, ctest name unit.base.str
function(runnel_unit_test ROOM NAME)
  add_executable(${ROOM}_${NAME}_test ${NAME}_test.c)
  target_link_libraries(${ROOM}_${NAME}_test PRIVATE runnel::${ROOM} PkgConfig::CMOCKA ${ARGN})
  add_test(NAME unit.${ROOM}.${NAME} COMMAND ${ROOM}_${NAME}_test)
  set_tests_properties(unit.${ROOM}.${NAME} PROPERTIES TIMEOUT 300 LABELS unit)
endfunction()

# runnel_fuzz(http request_parser [libraries…]): tests/fuzz/fuzz_request_parser.c, ctest name
# fuzz.request_parser, corpus in tests/fuzz/corpus/request_parser
function(runnel_fuzz ROOM NAME)
  add_executable(fuzz_${NAME} fuzz_${NAME}.c)
  target_link_libraries(fuzz_${NAME} PRIVATE runnel::${ROOM} ${ARGN})
  target_link_options(fuzz_${NAME} PRIVATE -fsanitize=fuzzer)
  file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/found/${NAME})
  add_test(NAME fuzz.${NAME} COMMAND fuzz_${NAME} -max_total_time=5 -timeout=5 -max_len=8192
    ${CMAKE_CURRENT_BINARY_DIR}/found/${NAME} ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${NAME})
  set_tests_properties(fuzz.${NAME} PROPERTIES TIMEOUT 300 LABELS fuzz)
endfunction()
