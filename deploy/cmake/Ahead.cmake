# What many sources include from the system is compiled once, ahead of them: a third of what the tests take to build.
# Under the sanitizers only, so that the release build still tells which source lacks an #include.
set(POSTIGO_AHEAD <algorithm> <array> <atomic> <charconv> <chrono> <cstdint> <cstring> <functional> <map> <memory> <mutex>
  <optional> <span> <string> <string_view> <unordered_map> <utility> <vector>)

if(POSTIGO_SANITIZE)  # what some of the libraries ask for; the same for all, or they cannot share it
  add_compile_options(-pthread)
  add_compile_definitions(_FILE_OFFSET_BITS=64)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    add_compile_options(-fpch-preprocess)  # or ccache keeps nothing that uses what was compiled ahead
  endif()
endif()

# postigo_compile_ahead(TARGET [headers...]): these, and those that all have in common.
function(postigo_compile_ahead target)
  if(POSTIGO_SANITIZE)
    target_precompile_headers(${target} PRIVATE ${POSTIGO_AHEAD} ${ARGN})
  endif()
endfunction()

# postigo_share_ahead(TARGET FROM): what was compiled for FROM. REQUIRES: the same options.
function(postigo_share_ahead target from)
  if(POSTIGO_SANITIZE)
    target_precompile_headers(${target} REUSE_FROM ${from})
  endif()
endfunction()
