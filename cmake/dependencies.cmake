# Finds every part that the rooms are built with, and downloads nothing. A part is looked for in the folder that its cache variable
# names, then in .deps/ (filled by cmake/fetch.sh), then among the installed packages; a part that is missing stops the
# configuration with the command that brings it. docs/dependencies.md says why each is here and how it is verified.

set(deps ${PROJECT_SOURCE_DIR}/.deps)
if(DEFINED ENV{KC_DEPS_DIR})
  set(deps $ENV{KC_DEPS_DIR})
endif()
set(KC_DEPS_DIR "${deps}" CACHE PATH "Where cmake/fetch.sh put the parts that Debian 12 does not package")
set(KC_DUCKDB_DIR "" CACHE PATH "A folder with include/duckdb.h and lib/libduckdb.so, instead of the fetched one")
set(KC_HTTPLIB_DIR "" CACHE PATH "A folder with include/httplib.h or httplib.h, instead of the fetched one")

set(KC_DUCKDB_VERSION 1.4.4)
set(KC_HTTPLIB_VERSION 0.18.7)

find_package(PkgConfig QUIET)

# The find modules' own words say what was not found; these say what to do about it.
function(kc_missing what command)
  message(FATAL_ERROR "${what} was not found. This brings it:\n  ${command}\nOn another system, docs/dependencies.md names what is "
                      "needed and the variable that points at it.")
endfunction()

# kc_package(<package> <target> [<least version>]): an installed package, by its own CMake files.
macro(kc_package package target)
  find_package(${package} ${ARGN} QUIET)
  if(NOT TARGET ${target})
    kc_missing("${package} ${ARGN}" cmake/packages.sh)
  endif()
endmacro()

kc_package(nlohmann_json nlohmann_json::nlohmann_json 3.11.2)
kc_package(spdlog spdlog::spdlog 1.10)
kc_package(SQLite3 SQLite::SQLite3 3.40)
kc_package(CURL CURL::libcurl 7.88)
kc_package(OpenSSL OpenSSL::SSL 3.0)
kc_package(ZLIB ZLIB::ZLIB 1.2.13)
kc_package(CLI11 CLI11::CLI11 2.1.2)
kc_package(pugixml pugixml::pugixml 1.13)
kc_package(tl-expected tl::expected 1.0)
kc_package(yaml-cpp yaml-cpp 0.7)
# The static library: one part less that must be there where the program runs.
set(Boost_USE_STATIC_LIBS ON)
kc_package(Boost Boost::json 1.81 COMPONENTS json)
if(KC_TESTS)
  kc_package(GTest GTest::gmock 1.12)
  kc_package(rapidcheck rapidcheck)
endif()
if(KC_TESTS OR KC_BENCH)
  kc_package(benchmark benchmark::benchmark 1.7)
endif()

# core/base hands tl::expected to every room in its own headers.
target_link_libraries(kc_flags INTERFACE tl::expected)

# cpp-httplib, header-only: the definitions below then hold for all of its code. poll() instead of select() lifts the limit of 1024
# descriptors; the library's own backlog of 5 loses connections in a burst. TLS is not compiled in: the service is bound to loopback.
find_path(KC_HTTPLIB_INCLUDE httplib.h
  PATHS ${KC_HTTPLIB_DIR}/include ${KC_HTTPLIB_DIR} ${KC_DEPS_DIR}/cpp-httplib-${KC_HTTPLIB_VERSION}/include
  NO_DEFAULT_PATH NO_CACHE)
if(KC_HTTPLIB_INCLUDE)
  add_library(kc_httplib INTERFACE)
  target_include_directories(kc_httplib SYSTEM INTERFACE ${KC_HTTPLIB_INCLUDE})
elseif(PkgConfig_FOUND)
  pkg_check_modules(KC_HTTPLIB_PC QUIET IMPORTED_TARGET cpp-httplib>=0.18)
  if(KC_HTTPLIB_PC_FOUND)
    add_library(kc_httplib INTERFACE)
    target_link_libraries(kc_httplib INTERFACE PkgConfig::KC_HTTPLIB_PC)
  endif()
endif()
if(NOT TARGET kc_httplib)
  kc_missing("cpp-httplib ${KC_HTTPLIB_VERSION} or newer" "cmake/fetch.sh httplib")
endif()
find_package(Threads REQUIRED)
target_compile_definitions(kc_httplib INTERFACE CPPHTTPLIB_ZLIB_SUPPORT CPPHTTPLIB_USE_POLL CPPHTTPLIB_LISTEN_BACKLOG=4096)
target_link_libraries(kc_httplib INTERFACE ZLIB::ZLIB Threads::Threads)
add_library(httplib::httplib ALIAS kc_httplib)

# ISA-L has no CMake files of its own; its pkg-config file does.
if(KC_EMBEDDED)
  if(PkgConfig_FOUND)
    pkg_check_modules(KC_ISAL QUIET IMPORTED_TARGET GLOBAL libisal>=2.30)
  endif()
  if(NOT TARGET PkgConfig::KC_ISAL)
    kc_missing("ISA-L 2.30 (or configure with -DKC_EMBEDDED=OFF: the embedded engine is all that needs it)" cmake/packages.sh)
  endif()
  add_library(isal::isal ALIAS PkgConfig::KC_ISAL)
endif()

# DuckDB's library goes into the build folder's lib/, and programs find it by a path relative to themselves, so that a build folder
# or an installation can be moved as a whole.
if(KC_EMBEDDED)
  foreach(part IN ITEMS INCLUDE LIBRARY)
    set(places ${KC_DUCKDB_DIR}/include ${KC_DUCKDB_DIR}/lib ${KC_DUCKDB_DIR} ${KC_DEPS_DIR}/duckdb-${KC_DUCKDB_VERSION}/include
               ${KC_DEPS_DIR}/duckdb-${KC_DUCKDB_VERSION}/lib)
    if(part STREQUAL INCLUDE)
      find_path(KC_DUCKDB_INCLUDE duckdb.h PATHS ${places} NO_DEFAULT_PATH NO_CACHE)
      find_path(KC_DUCKDB_INCLUDE duckdb.h NO_CACHE)
    else()
      find_library(KC_DUCKDB_LIBRARY duckdb PATHS ${places} NO_DEFAULT_PATH NO_CACHE)
      find_library(KC_DUCKDB_LIBRARY duckdb NO_CACHE)
    endif()
  endforeach()
  if(NOT KC_DUCKDB_INCLUDE OR NOT KC_DUCKDB_LIBRARY)
    kc_missing("DuckDB ${KC_DUCKDB_VERSION} (or configure with -DKC_EMBEDDED=OFF: the embedded engine is all that needs it)"
               "cmake/fetch.sh duckdb")
  endif()
  set(KC_DUCKDB_RUNTIME ${PROJECT_BINARY_DIR}/lib/libduckdb.so)
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
  configure_file(${KC_DUCKDB_LIBRARY} ${KC_DUCKDB_RUNTIME} COPYONLY)
  add_library(duckdb::duckdb SHARED IMPORTED GLOBAL)
  set_target_properties(duckdb::duckdb PROPERTIES IMPORTED_LOCATION ${KC_DUCKDB_RUNTIME} INTERFACE_INCLUDE_DIRECTORIES
                                                  ${KC_DUCKDB_INCLUDE})
  install(FILES ${KC_DUCKDB_RUNTIME} DESTINATION lib)
endif()
set(CMAKE_BUILD_RPATH_USE_ORIGIN ON)
set(CMAKE_INSTALL_RPATH $ORIGIN/../lib)
