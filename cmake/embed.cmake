# Puts text files (SQL migrations, web files, openapi.yaml) into a target as string literals, so that the program is one file.
#
#   kc_embed(kc_store NAMESPACE kc::store::migrations BASE ${PROJECT_SOURCE_DIR}/migrations FILES 0001_jobs.sql schema.sql)
#
# generates <target>_embedded.h, found under the build folder's generated/ and included as "kc_store_embedded.h", and its .cc, and
# adds both to the target. The header declares, in NAMESPACE:
#
#   struct EmbeddedFile { std::string_view name; std::string_view text; };   // name: the path as given in FILES
#   std::span<const EmbeddedFile> embedded_files();                          // in the order of FILES
#   std::string_view embedded_file(std::string_view name);                   // empty when there is no such name
#
# FILES are relative to BASE (the caller's source folder when absent). Every byte but NUL comes through as it is: quotes, )",
# backslashes, ${X}, @Y@, semicolons, brackets, CR, a missing last newline. An edit of a file regenerates the .cc at the next build.
# One kc_embed per target. tests/house_test/embed_test.cc holds all of this.

set(KC_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/embed_write.cmake)

function(kc_embed target)
  cmake_parse_arguments(ARG "" "NAMESPACE;BASE" "FILES" ${ARGN})
  if(NOT ARG_NAMESPACE OR NOT ARG_FILES)
    message(FATAL_ERROR "kc_embed(${target}): NAMESPACE and FILES are needed")
  endif()
  if(NOT ARG_BASE)
    set(ARG_BASE ${CMAKE_CURRENT_SOURCE_DIR})
  endif()
  set(folder ${PROJECT_BINARY_DIR}/generated)
  set(stem ${folder}/${target}_embedded)
  set(sources ${ARG_FILES})
  list(TRANSFORM sources PREPEND ${ARG_BASE}/)
  list(JOIN ARG_FILES "|" names)
  add_custom_command(
    OUTPUT ${stem}.cc ${stem}.h
    COMMAND ${CMAKE_COMMAND} -DNAMESPACE=${ARG_NAMESPACE} -DBASE=${ARG_BASE} "-DNAMES=${names}" -DSTEM=${stem} -P ${KC_EMBED_SCRIPT}
    DEPENDS ${sources} ${KC_EMBED_SCRIPT}
    COMMENT "Embedding into ${target}"
    VERBATIM)
  target_sources(${target} PRIVATE ${stem}.cc ${stem}.h)
  # What clang-tidy needs before it can read a file that includes the header.
  if(NOT TARGET generated)
    add_custom_target(generated)
  endif()
  add_custom_target(${target}_embedded DEPENDS ${stem}.h)
  add_dependencies(generated ${target}_embedded)
  target_include_directories(${target} PRIVATE ${folder})
endfunction()
