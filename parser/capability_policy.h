// What operators may change about the capabilities that a backend lists.
#pragma once

#include <string>
#include <vector>

namespace postigo {

// What operators may change about capability lists; shared by the login reply and the relay filter.
// Names in upper case. `add` is said even if the backend does not; `hide` wins over everything.
struct CapabilityPolicy {
  std::vector<std::string> hide;
  std::vector<std::string> add;
  std::vector<std::string> before_login;  // IMAP: shown before login too, for clients that never ask again (T36)
  std::string sasl;                       // POP3: "SASL PLAIN LOGIN", or empty; announced after login too (RFC 2449 5)
  bool allow_compress = false;            // lets COMPRESS=DEFLATE pass; the filter steps aside once it is used (T40)
};

}  // namespace postigo
