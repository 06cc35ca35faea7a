// Two grammars, two lists of octets. Not here: templates (name_template.h).
#include "backends/directory/drivers/ldap_escape.h"

#include "parser/base/ascii.h"

namespace postigo {
namespace {

void put_escaped(std::string& text, char octet) {
  text += '\\';
  text += hex(static_cast<unsigned char>(octet), 2);
}

}  // namespace

std::string escape_in_filter(std::string_view value) {
  std::string text;
  for (char octet : value) {
    if (is_ctl(octet) || std::string_view("*()\\").find(octet) != std::string_view::npos) {
      put_escaped(text, octet);
    } else {
      text += octet;
    }
  }
  return text;
}

std::string escape_in_dn(std::string_view value) {
  std::string text;
  for (size_t i = 0; i < value.size(); ++i) {
    const bool first = i == 0, last = i + 1 == value.size();
    const bool edge = (value[i] == ' ' && (first || last)) || (value[i] == '#' && first);
    if (edge || is_ctl(value[i]) || std::string_view("\"+,;<>\\=").find(value[i]) != std::string_view::npos) {
      put_escaped(text, value[i]);
    } else {
      text += value[i];
    }
  }
  return text;
}

}  // namespace postigo
