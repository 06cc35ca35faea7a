# BoringSSL for Postigo. include() it once at the top, after project(); it gives
#   BoringSSL::ssl, BoringSSL::crypto  static, SYSTEM headers, always optimised, never instrumented by a sanitizer
#   POSTIGO_BORINGSSL_VERSION          what `postigo version` prints
# Where it comes from, the first that applies:
#   -DBoringSSL_ROOT=DIR               an installed prefix, an upstream checkout, or Debian's source tree
#   -DPOSTIGO_FETCH_BORINGSSL=ON       upstream's repository at -DPOSTIGO_BORINGSSL_REVISION=
#   otherwise                          Debian's source package, fetched by ../boringssl/fetch.sh
# What is built lands outside the build folder (POSTIGO_CACHE, default ~/.cache/postigo), so that clean builds and the
# sanitizer builds pay for it once. ../boringssl/README.md has the reasons.
#
# Nothing of it may be exported: OpenSSL, which other libraries bring into the process, has symbols of the same names.
# The archives are built with hidden visibility, and linking BoringSSL::crypto adds -Wl,--exclude-libs for both (not
# ALL: a sanitizer of clang is an archive, and has to be seen by the libraries).
include_guard(GLOBAL)

set(BoringSSL_ROOT "" CACHE PATH "BoringSSL: an installed prefix or an unpacked source tree")
option(POSTIGO_FETCH_BORINGSSL "Download BoringSSL from upstream's repository" OFF)
set(POSTIGO_BORINGSSL_REPOSITORY "https://boringssl.googlesource.com/boringssl" CACHE STRING "Upstream or a mirror")
set(POSTIGO_BORINGSSL_REVISION "" CACHE STRING "Upstream commit or tag for POSTIGO_FETCH_BORINGSSL")
mark_as_advanced(POSTIGO_BORINGSSL_REPOSITORY POSTIGO_BORINGSSL_REVISION)

find_package(Threads REQUIRED)
set(_boringssl_recipe "${CMAKE_CURRENT_LIST_DIR}/../boringssl")
cmake_path(NORMAL_PATH _boringssl_recipe)
set(_boringssl_flags "-fvisibility=hidden -fno-common -fno-strict-aliasing -fstack-protector-strong")

# Where finished builds and sources live. An account without a home falls back to the build folder.
function(_boringssl_cache_dir out)
  if(NOT "$ENV{POSTIGO_CACHE}" STREQUAL "")
    set(dir "$ENV{POSTIGO_CACHE}")
  elseif(NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
    set(dir "$ENV{XDG_CACHE_HOME}/postigo")
  elseif(NOT "$ENV{HOME}" STREQUAL "")
    set(dir "$ENV{HOME}/.cache/postigo")
  else()
    set(dir "${CMAKE_BINARY_DIR}/cache")
  endif()
  cmake_path(ABSOLUTE_PATH dir BASE_DIRECTORY "${CMAKE_SOURCE_DIR}" NORMALIZE)
  execute_process(COMMAND mkdir -p "${dir}" RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
  execute_process(COMMAND test -w "${dir}" RESULT_VARIABLE read_only)
  if(failed OR read_only)
    message(STATUS "BoringSSL: cannot write ${dir}, keeping the build in ${CMAKE_BINARY_DIR}/cache")
    set(dir "${CMAKE_BINARY_DIR}/cache")
    file(MAKE_DIRECTORY "${dir}")
  endif()
  set(${out} "${dir}" PARENT_SCOPE)
endfunction()

# The C compiler that belongs to the consumer's C++ compiler, where the consumer has not enabled C.
function(_boringssl_c_compiler out)
  if(CMAKE_C_COMPILER)
    set(${out} "${CMAKE_C_COMPILER}" PARENT_SCOPE)
    return()
  endif()
  cmake_path(GET CMAKE_CXX_COMPILER PARENT_PATH folder)
  cmake_path(GET CMAKE_CXX_COMPILER FILENAME name)
  string(REPLACE "clang++" "clang" name "${name}")
  string(REPLACE "g++" "gcc" name "${name}")
  string(REPLACE "c++" "cc" name "${name}")
  set(${out} "${folder}/${name}" PARENT_SCOPE)
endfunction()

# The arguments of the separate build, and a key that differs whenever its result would: flags, compiler (not its
# path: c++ and g++ are one), architecture, distribution (a static library remembers its libc) and recipe.
function(_boringssl_toolchain out_arguments out_key)
  set(arguments
      "-DCMAKE_C_FLAGS=${_boringssl_flags}" "-DCMAKE_CXX_FLAGS=${_boringssl_flags}"
      "-DCMAKE_C_FLAGS_RELEASE=-O3 -DNDEBUG -g0" "-DCMAKE_CXX_FLAGS_RELEASE=-O3 -DNDEBUG -g0"
      -DCMAKE_BUILD_TYPE=Release -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DBUILD_SHARED_LIBS=OFF -DBUILD_TESTING=OFF)
  if(CMAKE_TOOLCHAIN_FILE)
    file(SHA256 "${CMAKE_TOOLCHAIN_FILE}" toolchain_sum)
  endif()
  cmake_host_system_information(RESULT distribution QUERY DISTRIB_PRETTY_NAME)
  file(SHA256 "${_boringssl_recipe}/CMakeLists.txt" recipe_sum)
  string(SHA256 key "${arguments};${CMAKE_CXX_COMPILER_ID};${CMAKE_CXX_COMPILER_VERSION};${CMAKE_CXX_COMPILER_TARGET};\
${CMAKE_SYSTEM_NAME};${CMAKE_SYSTEM_PROCESSOR};${CMAKE_SYSROOT};${distribution};${toolchain_sum};${recipe_sum}")
  string(SUBSTRING "${key}" 0 12 key)

  _boringssl_c_compiler(c_compiler)
  list(APPEND arguments "-DCMAKE_C_COMPILER=${c_compiler}" "-DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}")
  if(CMAKE_TOOLCHAIN_FILE)
    list(APPEND arguments "-DCMAKE_TOOLCHAIN_FILE=${CMAKE_TOOLCHAIN_FILE}")
  endif()
  set(${out_arguments} "${arguments}" PARENT_SCOPE)
  set(${out_key} "${CMAKE_SYSTEM_PROCESSOR}-${key}" PARENT_SCOPE)
endfunction()

# Runs one step of the separate build, without the flags that the environment may hold for the consumer.
function(_boringssl_run what log)
  execute_process(
    COMMAND "${CMAKE_COMMAND}" -E env --unset=CFLAGS --unset=CXXFLAGS --unset=ASMFLAGS --unset=LDFLAGS --unset=DESTDIR
            ${ARGN}
    OUTPUT_FILE "${log}" ERROR_FILE "${log}" RESULT_VARIABLE failed)
  if(failed)
    file(STRINGS "${log}" lines)
    list(LENGTH lines count)
    set(first 0)
    if(count GREATER 30)
      math(EXPR first "${count} - 30")
    endif()
    list(SUBLIST lines ${first} -1 lines)
    list(JOIN lines "\n  " text)
    message(FATAL_ERROR "BoringSSL: the ${what} failed, log in ${log}:\n  ${text}")
  endif()
endfunction()

# Configures and builds SOURCE in WORK; an existing WORK is brought up to date.
function(_boringssl_make source work)
  _boringssl_toolchain(arguments key)
  set(project "${source}")
  if(EXISTS "${source}/android-sources.cmake")
    set(project "${_boringssl_recipe}")
    list(APPEND arguments "-DBORINGSSL_SOURCE=${source}")
  endif()
  if(CMAKE_GENERATOR MATCHES Ninja)
    list(APPEND arguments -GNinja "-DCMAKE_MAKE_PROGRAM=${CMAKE_MAKE_PROGRAM}")
  else()
    list(APPEND arguments "-GUnix Makefiles")
  endif()
  foreach(language IN ITEMS C CXX)
    if(CMAKE_${language}_COMPILER_LAUNCHER)
      string(REPLACE ";" "\\;" launcher "${CMAKE_${language}_COMPILER_LAUNCHER}")
      list(APPEND arguments "-DCMAKE_${language}_COMPILER_LAUNCHER=${launcher}")
    endif()
  endforeach()
  set(jobs "$ENV{CMAKE_BUILD_PARALLEL_LEVEL}")
  if(NOT jobs GREATER 0)
    cmake_host_system_information(RESULT jobs QUERY NUMBER_OF_LOGICAL_CORES)
  endif()
  if(NOT jobs GREATER 0) # a chroot without /proc
    set(jobs 2)
  endif()
  file(MAKE_DIRECTORY "${work}")
  _boringssl_run("configuration" "${work}/configure.log" "${CMAKE_COMMAND}" ${arguments} -S "${project}" -B "${work}")
  _boringssl_run("build" "${work}/build.log" "${CMAKE_COMMAND}" --build "${work}" --parallel ${jobs}
                 --target crypto ssl)
endfunction()

# The folder of the public headers of a source tree.
function(_boringssl_headers source out)
  set(${out} "${source}/include" PARENT_SCOPE)
  if(EXISTS "${source}/src/include/openssl/ssl.h")
    set(${out} "${source}/src/include" PARENT_SCOPE)
  endif()
endfunction()

# Takes the lock of one cache entry until the caller's function returns. Another configure may hold it for a minute.
macro(_boringssl_lock entry)
  file(LOCK "${entry}.lock" GUARD FUNCTION TIMEOUT 0 RESULT_VARIABLE busy)
  if(busy)
    message(STATUS "BoringSSL: waiting for another configure that builds ${entry}")
    file(LOCK "${entry}.lock" GUARD FUNCTION TIMEOUT 3600)
  endif()
endmacro()

# Builds a source that never changes, once: ENTRY appears complete or not at all. The objects are not kept.
function(_boringssl_build_once source entry)
  _boringssl_lock("${entry}")
  if(EXISTS "${entry}")
    return()
  endif()
  message(STATUS "BoringSSL: building ${entry} (once; a minute on two idle cores)")
  string(TIMESTAMP start %s)
  file(REMOVE_RECURSE "${entry}.build" "${entry}.new")
  _boringssl_make("${source}" "${entry}.build")
  _boringssl_headers("${source}" headers)
  file(GLOB archives "${entry}.build/lib*.a" "${entry}.build/*/lib*.a")
  list(FILTER archives INCLUDE REGEX "/lib(ssl|crypto)\\.a$")
  file(COPY ${archives} DESTINATION "${entry}.new/lib")
  file(COPY "${headers}/openssl" DESTINATION "${entry}.new/include")
  file(RENAME "${entry}.new" "${entry}")
  file(REMOVE_RECURSE "${entry}.build")
  string(TIMESTAMP end %s)
  math(EXPR seconds "${end} - ${start}")
  message(STATUS "BoringSSL: built in ${seconds} s")
endfunction()

# Builds a tree that the user may be editing: incrementally, at every configure.
function(_boringssl_build_tree source entry)
  _boringssl_lock("${entry}")
  message(STATUS "BoringSSL: building ${source} in ${entry}")
  _boringssl_make("${source}" "${entry}")
endfunction()

# Defines the targets from headers and two archives.
function(_boringssl_import headers libraries origin)
  foreach(name IN ITEMS crypto ssl)
    file(GLOB candidates "${libraries}/lib${name}.a" "${libraries}/*/lib${name}.a")
    if(NOT candidates)
      message(FATAL_ERROR "BoringSSL: no lib${name}.a in ${libraries} (only static libraries are supported)")
    endif()
    list(GET candidates 0 archive)
    add_library(BoringSSL::${name} STATIC IMPORTED GLOBAL)
    set_target_properties(BoringSSL::${name} PROPERTIES
      IMPORTED_LOCATION "${archive}" IMPORTED_LINK_INTERFACE_LANGUAGES "C;CXX"
      INTERFACE_INCLUDE_DIRECTORIES "${headers}" INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${headers}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${archive}") # an emptied cache is refilled
  endforeach()
  target_link_libraries(BoringSSL::crypto INTERFACE Threads::Threads)
  target_link_options(BoringSSL::crypto INTERFACE "LINKER:--exclude-libs,libcrypto.a:libssl.a")
  target_link_libraries(BoringSSL::ssl INTERFACE BoringSSL::crypto)

  file(STRINGS "${headers}/openssl/base.h" api REGEX "define BORINGSSL_API_VERSION")
  string(REGEX MATCH "[0-9]+$" api "${api}")
  if(api STREQUAL "")
    message(FATAL_ERROR "BoringSSL: the headers in ${headers} are not BoringSSL's (OpenSSL's?)")
  endif()
  set(POSTIGO_BORINGSSL_VERSION "${origin}, BORINGSSL_API_VERSION ${api}" PARENT_SCOPE)
endfunction()

# Names a source tree: what fetch.sh wrote, a git revision, or the revision that Android noted.
function(_boringssl_tree_version source out)
  execute_process(COMMAND git -C "${source}" rev-parse --short=12 HEAD OUTPUT_VARIABLE revision
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(EXISTS "${source}/VERSION")
    file(STRINGS "${source}/VERSION" version LIMIT_COUNT 1)
    set(version "${version} (Debian source)")
  elseif(EXISTS "${source}/BORINGSSL_REVISION")
    file(STRINGS "${source}/BORINGSSL_REVISION" version LIMIT_COUNT 1)
    string(SUBSTRING "${version}" 0 12 version)
    set(version "${version} (Android source)")
  elseif(EXISTS "${source}/.git" AND NOT failed)
    set(version "${revision} (upstream)")
  else()
    set(version "unnamed source tree")
  endif()
  set(${out} "${version}" PARENT_SCOPE)
endfunction()

# -DBoringSSL_ROOT=: a prefix is used as it is, a tree is built.
function(_boringssl_from_root root cache key)
  if(EXISTS "${root}/android-sources.cmake" OR EXISTS "${root}/ssl/ssl_lib.cc")
    string(SHA256 name "${root}")
    string(SUBSTRING "${name}" 0 12 name)
    set(entry "${cache}/boringssl-tree-${name}-${key}")
    _boringssl_build_tree("${root}" "${entry}")
    _boringssl_headers("${root}" headers)
    _boringssl_tree_version("${root}" origin)
    _boringssl_import("${headers}" "${entry}" "${origin}")
  elseif(EXISTS "${root}/include/openssl/base.h")
    _boringssl_import("${root}/include" "${root}/lib" "installed prefix")
  else()
    message(FATAL_ERROR "BoringSSL: BoringSSL_ROOT=${root} holds neither include/openssl/base.h, nor ssl/ssl_lib.cc, "
                        "nor android-sources.cmake")
  endif()
  set(POSTIGO_BORINGSSL_VERSION "${POSTIGO_BORINGSSL_VERSION}" PARENT_SCOPE)
endfunction()

# -DPOSTIGO_FETCH_BORINGSSL=ON: upstream at a fixed revision. SOURCE_SUBDIR names nothing on purpose, which keeps
# FetchContent from adding upstream's targets, with our flags, to this build.
function(_boringssl_from_upstream cache key)
  if(POSTIGO_BORINGSSL_REVISION STREQUAL "")
    message(FATAL_ERROR "BoringSSL: POSTIGO_FETCH_BORINGSSL needs -DPOSTIGO_BORINGSSL_REVISION= (a commit or a tag)")
  endif()
  string(REGEX REPLACE "[^A-Za-z0-9._-]" "-" name "${POSTIGO_BORINGSSL_REVISION}")
  set(entry "${cache}/boringssl-upstream-${name}-${key}")
  if(NOT EXISTS "${entry}")
    include(FetchContent)
    FetchContent_Declare(boringssl GIT_REPOSITORY "${POSTIGO_BORINGSSL_REPOSITORY}"
                         GIT_TAG "${POSTIGO_BORINGSSL_REVISION}" SOURCE_SUBDIR not-added)
    FetchContent_MakeAvailable(boringssl)
    _boringssl_build_once("${boringssl_SOURCE_DIR}" "${entry}")
  endif()
  _boringssl_import("${entry}/include" "${entry}/lib" "${POSTIGO_BORINGSSL_REVISION} (upstream)")
  set(POSTIGO_BORINGSSL_VERSION "${POSTIGO_BORINGSSL_VERSION}" PARENT_SCOPE)
endfunction()

# The default. The source folder carries the sum of fetch.sh, so that new pins are never mistaken for old ones.
function(_boringssl_from_debian cache key)
  file(SHA256 "${_boringssl_recipe}/fetch.sh" pins)
  string(SUBSTRING "${pins}" 0 8 pins)
  set(source "${cache}/boringssl-source-${pins}")
  execute_process(COMMAND sh "${_boringssl_recipe}/fetch.sh" "${source}" RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "BoringSSL: the source could not be fetched (reason above)")
  endif()
  _boringssl_tree_version("${source}" origin)
  file(STRINGS "${source}/VERSION" version LIMIT_COUNT 1)
  set(entry "${cache}/boringssl-${version}-${key}")
  _boringssl_build_once("${source}" "${entry}")
  set(POSTIGO_BORINGSSL_PREFIX "${entry}" CACHE INTERNAL "A BoringSSL_ROOT for other build trees")
  _boringssl_import("${entry}/include" "${entry}/lib" "${origin}")
  set(POSTIGO_BORINGSSL_VERSION "${POSTIGO_BORINGSSL_VERSION}" PARENT_SCOPE)
endfunction()

_boringssl_cache_dir(_boringssl_cache)
_boringssl_toolchain(_boringssl_unused _boringssl_key)
if(BoringSSL_ROOT)
  cmake_path(ABSOLUTE_PATH BoringSSL_ROOT BASE_DIRECTORY "${CMAKE_SOURCE_DIR}" NORMALIZE
             OUTPUT_VARIABLE _boringssl_root)
  _boringssl_from_root("${_boringssl_root}" "${_boringssl_cache}" "${_boringssl_key}")
elseif(POSTIGO_FETCH_BORINGSSL)
  _boringssl_from_upstream("${_boringssl_cache}" "${_boringssl_key}")
else()
  _boringssl_from_debian("${_boringssl_cache}" "${_boringssl_key}")
endif()
message(STATUS "BoringSSL: ${POSTIGO_BORINGSSL_VERSION}")
