// Which file, and what the browser may do with it. Not here: the data (api.cc), the files (page/).
#include "proxy/ops/page.h"

#include <string>
#include <utility>

namespace postigo {
namespace {

// Nothing from elsewhere, nothing inline, and no way from text to markup: what a stranger calls himself stays text even
// if the page had a bug. Nobody may frame it, and what it opens learns nothing of it.
constexpr std::string_view kFields =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n";

constexpr std::string_view kFront = "page.html";

const PageFile* file_at(std::string_view path) {
  std::string_view name = path == "/" || path == kPageRoot ? kFront : path.substr(kPageRoot.size());
  for (const PageFile& file : page_files()) {
    if (file.name == name) return &file;
  }
  return nullptr;
}

}  // namespace

std::optional<Http::Page> page_answer(const Http::Request& request) {
  if (request.path != "/" && !request.path.starts_with(kPageRoot)) return std::nullopt;
  const std::string fields(kFields);
  const PageFile* file = file_at(request.path);
  if (file == nullptr) return Http::Page{.status = 404, .body = "not found\n", .fields = fields};
  bool reads = request.method == "GET" || request.method == "HEAD";
  if (!reads) return Http::Page{.status = 405, .body = "read only\n", .fields = fields};
  return Http::Page{.type = std::string(file->type), .body = std::string(file->body), .fields = fields};
}

Http::Gate page_gate(Http::Gate gate) {
  return [gate = std::move(gate)](const Http::Request& head) {
    auto page = page_answer(head);
    return page ? page : gate(head);
  };
}

}  // namespace postigo
