# What the compiler and the linker can do against the exploitation of a bug in our own code (tests/checks/hardening.py
# looks for it in the program). Not for BoringSSL, which is built apart, and not with a sanitizer, which does more.
if(POSTIGO_SANITIZE)
  return()
endif()
include(CheckCXXCompilerFlag)

add_compile_options(-fPIE -fstack-protector-strong)
add_link_options(-pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
foreach(flag -fstack-clash-protection -fcf-protection=full -mbranch-protection=standard)
  string(MAKE_C_IDENTIFIER "POSTIGO_HAS${flag}" has)  # the compiler knows what its processor has
  check_cxx_compiler_flag(${flag} ${has})
  if(${has})
    add_compile_options(${flag})
  endif()
endforeach()
if(NOT CMAKE_BUILD_TYPE STREQUAL Debug)  # it needs an optimiser that sees sizes; level 3: sizes known at run time too
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
