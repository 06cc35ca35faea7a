// What the dialects of a directory over HTTP have in common: from a query to a request, from an answer to an opinion.
// A dialect is one file and one row in http.cc. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/directory.h"
#include "backends/directory/entry.h"
#include "backends/directory/fields.h"
#include "backends/http.h"
#include "config/config.h"

namespace postigo {

// Of one directory. Immutable.
struct HttpTerms {
  std::string name;  // of the directory
  std::string url;
  FieldNames fields;
};

// What the other side thinks of a user. `ok`: the entry says the rest.
struct HttpOpinion {
  Verdict verdict = Verdict::try_later;
  Entry entry = {};
  std::string detail = {};  // for our log: never a secret
  uint64_t wait_ms = 0;     // before it is told
  bool ask_again = false;   // nothing is known before that time is over
};

struct HttpDialect {
  config::HttpDirectory::Dialect dialect;
  // Method, headers, body and what is to be added to the URL. `want` is what is asked, `query` where it comes from.
  void (*ask)(const HttpTerms& terms, Want want, const Query& query, HttpRequest& request);
  // REQUIRES: there was an answer.
  HttpOpinion (*understand)(const HttpTerms& terms, Want want, const Query& query, const HttpAnswer& answer);
  // Whether it has a question for this; if not, the directory knows nobody.
  bool (*can)(Want want);
  bool text_only = false;  // no password that is not UTF-8 can be asked about
};

extern const HttpDialect kHttpNginx, kHttpJson, kHttpNauthilus;

// The first one of that name (in lower case); empty: there is none.
std::string_view header_of(const HttpAnswer& answer, std::string_view name);
// Seconds as a number; 0 for what is none.
uint64_t seconds_to_ms(std::string_view text);
// A text of the other side, fit for our log. Nothing of one that repeats the password (A33).
std::string told(std::string_view text, const Query& query);
// Of the opinion's entry, by their name for it. An error makes the opinion `unusable`.
void take_field(const HttpTerms& terms, const Query& query, HttpOpinion& opinion, std::string_view name,
                std::string_view value);

}  // namespace postigo
