// Names in LDAP (A5): whatever a user calls himself is one value of one filter, or of one name. Oracles: the escaped
// text has nothing in it that ends a value, undone it is the name again, and libldap reads the DN as one attribute with
// that value.
#include <ldap.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "backends/directory/drivers/ldap_escape.h"

namespace {

void require(bool holds) {
  if (!holds) abort();
}

std::string undone(const std::string& escaped) {
  std::string value;
  for (size_t i = 0; i < escaped.size(); ++i) {
    if (escaped[i] != '\\') {
      value += escaped[i];
      continue;
    }
    require(i + 2 < escaped.size());
    value += static_cast<char>(std::stoi(escaped.substr(i + 1, 2), nullptr, 16));
    i += 2;
  }
  return value;
}

void check_dn(const std::string& name) {
  if (name.empty()) return;
  LDAPDN dn = nullptr;
  const std::string text = "cn=" + postigo::escape_in_dn(name) + ",dc=a";
  require(ldap_str2dn(text.c_str(), &dn, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS);
  require(dn[0] != nullptr && dn[0][0] != nullptr && dn[0][1] == nullptr && dn[1] != nullptr && dn[2] == nullptr);
  require(std::string(dn[0][0]->la_value.bv_val, dn[0][0]->la_value.bv_len) == name);
  ldap_dnfree(dn);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string name(reinterpret_cast<const char*>(data), size);
  const std::string in_filter = postigo::escape_in_filter(name);
  require(undone(in_filter) == name);
  require(in_filter.find_first_of(std::string("*()\0\r\n", 6)) == std::string::npos);
  const std::string in_dn = postigo::escape_in_dn(name);
  require(undone(in_dn) == name);
  require(in_dn.find_first_of(std::string("\",+;<>=\0", 8)) == std::string::npos);
  check_dn(name);
  return 0;
}
