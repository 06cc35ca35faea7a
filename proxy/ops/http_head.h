// The head of a request, as far as we need it: the request line and four fields (RFC 9112).
//
// Pure. Views into the text that was given.
#pragma once

#include <cstddef>
#include <string_view>

namespace postigo {

struct HttpHead {
  std::string_view method, path, query;  // the query without "?"
  std::string_view content_type, authorization;
  size_t body = 0;       // octets that follow
  int fault = 0;         // a status instead of all that
  int body_fault = 0;    // a status for whoever wants the body
  const char* why = "";  // with either: one line
};

constexpr size_t kHttpBodyMax = 1024 * 1024;  // a longer one is a fault

// Octets up to and including the empty line; 0: it is not there yet.
size_t http_head_size(std::string_view text);
// REQUIRES: `text` ends with the empty line.
HttpHead parse_http_head(std::string_view text);

}  // namespace postigo
