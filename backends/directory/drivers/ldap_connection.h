// LdapConnection: one connection to one LDAP server, on one thread at a time. Everything blocks, each step for no
// longer than the time-out. Referrals are not followed. Whoever is bound stays bound: a connection that users bind on
// is not to be searched on (ldap.cc has two kinds).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "parser/base/bytes.h"

struct ldap;

namespace postigo {

struct LdapOptions {
  bool starttls = false;
  bool verify = true;       // the certificate and its name
  std::string authorities;  // PEM file
  uint64_t timeout_ms = 0;
};

// How a request ended.
struct LdapReply {
  int code = 0;      // RFC 4511 A.1; below zero: libldap's, there was no answer
  std::string text;  // what the server says about it: untrusted, and it may repeat what it was sent

  bool ok() const { return code == 0; }
  bool timed_out() const;
  // Nobody there, or nobody who can answer now: another server may.
  bool away() const;
  std::string meaning() const;  // libldap's words for the code; never the server's
};

struct LdapEntry {
  std::string dn;
  std::vector<std::pair<std::string, std::vector<std::string>>> attributes;
};

struct LdapSearch {
  std::string base;
  int scope = 0;
  std::string filter;
  std::vector<std::string> attributes;
  int entries_max = 2;
};

class LdapConnection {
 public:
  // Connected to nobody yet.
  LdapConnection(const std::string& url, const LdapOptions& options);
  ~LdapConnection();
  LdapConnection(const LdapConnection&) = delete;
  LdapConnection& operator=(const LdapConnection&) = delete;

  // As nobody; with TLS if the URL or the options say so. `text` of its reply is libldap's own.
  LdapReply connect();
  // Neither of them may be empty: a server could take that for anonymous (RFC 4513 5.1.1, 5.1.2).
  LdapReply bind(const std::string& dn, Bytes password);
  // Never more than entries_max; one that has more says sizeLimitExceeded.
  LdapReply search(const LdapSearch& what, std::vector<LdapEntry>& found);

 private:
  LdapReply failure();
  LdapReply result_of(int message_id);
  void bound_waits();
  void watch_octets();

  ldap* ldap_ = nullptr;
  LdapOptions options_;
};

}  // namespace postigo
