// What is asked over HTTP, and the answer. Who does it: Env::fetch. Redirects are answers like others.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "parser/base/secret.h"

namespace postigo {

struct HttpRequest {
  std::string method = "POST";
  std::string url;                                           // http:// or https://
  std::vector<std::pair<std::string, std::string>> headers;  // REQUIRES: neither CR nor LF in them (A3)
  Secret body;
  std::string login;  // Basic; empty: none
  Secret password;
  std::string tls_ca;  // PEM file; empty: the system's
  bool tls_verify = true;
  uint64_t timeout_ms = 2'000;    // for all of it
  unsigned connections_max = 16;  // to this server, of this worker; beyond, questions wait
  // Nobody looks at the answer's body: it is waited for only if the head says where it ends.
  bool head_alone = false;
};

struct HttpAnswer {
  static constexpr size_t kBodyMax = 256 * 1024;
  static constexpr size_t kHeadersMax = 64;

  long status = 0;                                                // 0: there was none
  std::vector<std::pair<std::string, std::string>> headers = {};  // names in lower case
  std::string body = {};
  std::string why = {};  // there was none, for people: never what was asked
};

}  // namespace postigo
