// Names in LDAP (A5): whatever a user calls himself is one value of one filter, or of one name. Oracles: the escaped
// text has nothing in it that ends a value, undone it is the name again; libldap reads the DN as one attribute with
// that value, and a filter with the name in it as the same filter, with that value where the name stands.
#include <lber.h>
#include <ldap.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "backends/directory/drivers/ldap_escape.h"
#include "backends/directory/name_template.h"

// What ldap_search_ext() makes of a filter's text (ldap_pvt.h, which is not installed).
extern "C" int ldap_pvt_put_filter(BerElement* ber, const char* text);

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

std::string encoded(const std::string& filter) {
  BerElement* ber = ber_alloc_t(LBER_USE_DER);
  require(ldap_pvt_put_filter(ber, filter.c_str()) == 0);
  berval octets{};
  require(ber_flatten2(ber, &octets, 0) == 0);
  std::string made(octets.bv_val, octets.bv_len);
  ber_free(ber, 1);
  return made;
}

struct Element {
  unsigned char tag = 0;
  std::string_view value;
};

Element take(std::string_view& rest) {
  require(rest.size() >= 2);
  Element element{static_cast<unsigned char>(rest[0]), {}};
  size_t size = static_cast<unsigned char>(rest[1]), head = 2;
  if (size >= 0x80) {
    const size_t octets = size & 0x7f;
    size = 0;
    for (; head < 2 + octets; ++head) size = size << 8 | static_cast<unsigned char>(rest.at(head));
  }
  element.value = rest.substr(head, size);
  require(element.value.size() == size);
  rest.remove_prefix(head + size);
  return element;
}

// The same tree; where `model` has "NAME", `real` has the name.
void compare(std::string_view model, std::string_view real, const std::string& name) {
  while (!model.empty()) {
    const Element expected = take(model), found = take(real);
    require(expected.tag == found.tag);
    constexpr unsigned char kConstructed = 0x20;
    if ((expected.tag & kConstructed) != 0) {
      compare(expected.value, found.value, name);
    } else {
      require(found.value == (expected.value == "NAME" ? std::string_view(name) : expected.value));
    }
  }
  require(real.empty());
}

void check_filter(const std::string& name) {
  for (const char* text : {"(uid=%u)", "(&(objectClass=person)(|(uid=%u)(mail=%u))(!(closed=TRUE)))"}) {
    const auto filter = *postigo::NameTemplate::parse(text);
    compare(encoded(filter.fill("NAME")), encoded(filter.fill(name, postigo::escape_in_filter)), name);
  }
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
  check_filter(name);
  return 0;
}
