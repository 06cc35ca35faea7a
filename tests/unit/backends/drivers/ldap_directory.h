// The [[directory]] of the LDAP tests, and the users of their server.
#pragma once

#include <crypt.h>

#include <string>

#include "config/config.h"

namespace postigo {

inline std::string ldap_hash(const std::string& phrase) {
  crypt_data data{};
  return std::string("{CRYPT}") + crypt_r(phrase.c_str(), "$5$rounds=1000$saltsalt$", &data);
}

// One person; `more` are lines of LDIF.
inline std::string ldap_person(const std::string& dn_name, const std::string& uid, const std::string& more = {}) {
  return "dn: cn=" + dn_name +
         ",ou=people,dc=example,dc=com\nobjectClass: inetOrgPerson\nobjectClass: mailUser\ncn: " + dn_name +
         "\nsn: x\nuid: " + uid + "\n" + more + "\n";
}

inline std::string ldap_people() {
  const std::string secret = "userPassword: " + ldap_hash("secret") + "\n";
  return ldap_person("joe", "joe", secret + "mail: joe@example.com\npool: main\nl: a\n") +
         ldap_person("ann", "ann", "userPassword: " + ldap_hash("other") + "\ndescription: ann-at-home\n") +
         ldap_person("off", "off", secret + "employeeType: TRUE\n") + ldap_person("nopass", "nopass") +
         ldap_person("twin1", "twin", secret) + ldap_person("twin2", "twin", secret) +
         ldap_person("torn", "torn", secret + "l: a\nl: b\n") +
         ldap_person("maybe", "maybe", secret + "employeeType: perhaps\n") + ldap_person("odd", "a*(b)\\c", secret) +
         ldap_person("percent", "%u", secret) + ldap_person("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", secret) +
         ldap_person("clear", "clear", "userPassword: in the clear\n") +
         ldap_person("long", std::string(512, 'x'), secret) + ldap_person("a\\, b", "a, b", secret);
}

inline config::Directory ldap_directory(const std::string& url) {
  config::Directory made;
  made.name = "people";
  made.type = config::Directory::Type::ldap;
  made.check_password = true;
  made.servers = {url};
  made.login = "cn=reader,dc=example,dc=com";
  made.password = Secret("reading");
  made.timeout_ms = 10'000;
  made.threads = 1;
  made.fields = {"uid=user", "l=shard", "description=backend_user", "employeeType=disabled"};
  made.ldap.base = "ou=people,dc=example,dc=com";
  made.ldap.filter = "(&(objectClass=inetOrgPerson)(|(uid=%u)(mail=%u)))";
  return made;
}

}  // namespace postigo
