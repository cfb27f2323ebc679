# A room is one folder, one static library, sources listed by hand.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(KC_CCACHE ccache)
if(KC_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${KC_CCACHE})
endif()

add_library(kc_flags INTERFACE)
target_include_directories(kc_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
target_compile_options(kc_flags INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
# GCC 12 takes parts of the standard library for overlapping copies (PR105651), std::regex and moved-from variants for uninitialised
# reads once sanitizers or -O2 rearrange them; its manual says that the latter warning is not to be trusted then.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(kc_flags INTERFACE -Wno-restrict -Wno-maybe-uninitialized)
endif()
target_compile_definitions(kc_flags INTERFACE _GLIBCXX_ASSERTIONS)
if(KC_SANITIZE)
  target_compile_options(kc_flags INTERFACE -fsanitize=${KC_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(kc_flags INTERFACE -fsanitize=${KC_SANITIZE})
endif()
find_package(Threads REQUIRED)

# kc_room(<name> SOURCES a.cc b.cc USES base model … LINKS OpenSSL::Crypto …) -> library kc_<name>
function(kc_room name)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES;LINKS" ${ARGN})
  add_library(kc_${name} STATIC ${ARG_SOURCES})
  set(neighbours ${ARG_USES})
  list(TRANSFORM neighbours PREPEND kc_)
  target_link_libraries(kc_${name} PUBLIC kc_flags ${neighbours} PRIVATE ${ARG_LINKS} Threads::Threads)
endfunction()

# Building tests_<group> builds what the tests of one group need, and no more.
function(kc_group_needs groups)
  foreach(group IN LISTS groups)
    if(NOT TARGET tests_${group})
      add_custom_target(tests_${group})
    endif()
    if(ARGN)
      add_dependencies(tests_${group} ${ARGN})
    endif()
  endforeach()
endfunction()

# kc_test(<name> GROUP unit SOURCES … USES … LINKS …) -> executable <name>_test, in ctest under the labels of GROUP. Group `threads`
# beside another (GROUP unit threads) runs the test under the thread sanitizer too; `release_only` keeps it out of the dev preset.
# COST (seconds, of a long one) lets ctest start it early. SHARDS 4 makes it four tests of ctest, <name>_1 to <name>_4, each with its
# share of the cases: a long one does not leave cores idle.
function(kc_test name)
  cmake_parse_arguments(ARG "" "COST;SHARDS" "GROUP;SOURCES;USES;LINKS" ${ARGN})
  add_executable(${name}_test ${ARG_SOURCES})
  set(neighbours ${ARG_USES})
  list(TRANSFORM neighbours PREPEND kc_)
  target_link_libraries(${name}_test PRIVATE kc_flags ${neighbours} ${ARG_LINKS} GTest::gmock GTest::gtest_main Threads::Threads)
  if(KC_SANITIZE)
    # The code under test is what the sanitizers are for; under all of them, a file of assertion macros took three times as long to
    # compile (36 s, not 12 s).
    target_compile_options(${name}_test PRIVATE -O0 -fno-sanitize=undefined)
  endif()
  set(names ${name})
  if(NOT ARG_COST)
    set(ARG_COST 0)
  endif()
  if(ARG_SHARDS)
    set(names "")
    foreach(shard RANGE 1 ${ARG_SHARDS})
      list(APPEND names ${name}_${shard})
    endforeach()
  endif()
  set(index 0)
  foreach(test IN LISTS names)
    add_test(NAME ${test} COMMAND ${name}_test)
    # The report is what tests/run.sh counts single cases from.
    set(changes "GTEST_OUTPUT=set:xml:${PROJECT_BINARY_DIR}/reports/${test}.xml")
    if(ARG_SHARDS)
      list(APPEND changes "GTEST_TOTAL_SHARDS=set:${ARG_SHARDS}" "GTEST_SHARD_INDEX=set:${index}")
    endif()
    set_tests_properties(${test} PROPERTIES LABELS "${ARG_GROUP}" COST "${ARG_COST}" ENVIRONMENT_MODIFICATION "${changes}")
    math(EXPR index "${index} + 1")
  endforeach()
  kc_group_needs("${ARG_GROUP}" ${name}_test)
endfunction()

# kc_script_test(<name> GROUP e2e COMMAND bash script.sh … NEEDS kusto-copy …): a script as one test; NEEDS are the targets it runs,
# COST as above.
function(kc_script_test name)
  cmake_parse_arguments(ARG "" "COST" "GROUP;COMMAND;NEEDS" ${ARGN})
  if(NOT ARG_COST)
    set(ARG_COST 0)
  endif()
  add_test(NAME ${name} COMMAND ${ARG_COMMAND})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_GROUP}" COST "${ARG_COST}")
  kc_group_needs("${ARG_GROUP}" ${ARG_NEEDS})
endfunction()
