// The client's side of the admin API: one request, its answer, through a unix socket or TCP.
//
// Blocking; any thread.
#pragma once

#include <string>

#include "config/kept_secret.h"
#include "parser/base/result.h"
#include "proxy/commands/json.h"

namespace postigo::commands {

struct Place {
  std::string socket = {};        // exactly one of the two is set
  std::string url = {};           // config::parse_url() takes it
  config::KeptSecret token = {};  // for the url
};

struct Ask {
  std::string method, target;  // the target as it goes into the request line
  std::string body;            // JSON; empty: none
};

struct Answer {
  int status = 0;
  std::string version;  // of who answered; empty: it does not say
  Json body;            // an object
};

std::string encoded(std::string_view text);  // for the query of a target

// The error is one line.
Result<Answer> ask(const Place& place, const Ask& what);

}  // namespace postigo::commands
