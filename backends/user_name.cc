// Names that are not UTF-8: nobody can say what they mean, so we change and see in them only what no character set can
// mean otherwise. Not here: default domains and rules (router.cc).
#include "backends/user_name.h"

#include <algorithm>

#include "parser/base/ascii.h"

namespace postigo {
namespace {

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

// The position of the "@" before the domain, or npos. Of a name in an unknown character set only an "@" with a domain
// in ASCII behind it is one: any other may be half of a character.
size_t at_sign(std::string_view name) {
  size_t at = name.rfind('@');
  if (at == std::string_view::npos || is_utf8(name)) return at;
  std::string_view domain = name.substr(at + 1);
  bool plain = !domain.empty() && std::all_of(domain.begin(), domain.end(), is_ascii);
  return plain ? at : std::string_view::npos;
}

}  // namespace

std::string lower_name(std::string_view name) {
  if (is_utf8(name)) return lower(name);
  std::string result(name);
  for (size_t i = 0; i < name.size(); ++i) {
    bool may_be_half = i > 0 && !is_ascii(name[i - 1]);
    if (!may_be_half) result[i] = to_lower(name[i]);
  }
  return result;
}

bool has_domain(std::string_view name) { return at_sign(name) != std::string_view::npos; }

std::string_view domain_of(std::string_view name) {
  size_t at = at_sign(name);
  return at == std::string_view::npos ? std::string_view() : name.substr(at + 1);
}

}  // namespace postigo
