# A script: writes the files of ops/page/ into a source of C++, as octets.
#
#   cmake -DOUT=FILE.cc -DFILES="A;B" -P embed.cmake
set(types_html "text/html; charset=utf-8")
set(types_css "text/css; charset=utf-8")
set(types_js "text/javascript; charset=utf-8")
set(types_svg "image/svg+xml")

set(octets "")
set(rows "")
set(number 0)
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  string(REGEX REPLACE "^.*\\." "" kind ${name})
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," chars "${hex}")
  string(APPEND octets "constexpr char kFile${number}[] = {${chars}};\n")
  string(APPEND rows "    {\"${name}\", \"${types_${kind}}\", {kFile${number}, sizeof(kFile${number})}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUT} "// Made by deploy/cmake/embed.cmake of the files in proxy/ops/page/.
#include \"proxy/ops/page.h\"

namespace postigo {
namespace {

${octets}
constexpr PageFile kFiles[] = {
${rows}};

}  // namespace

std::span<const PageFile> page_files() { return kFiles; }

}  // namespace postigo
")
