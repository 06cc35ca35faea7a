// Doors: the operator's own file of the instances that he looks after, for `postigo ctl --door NAME`.
//
//   [[door]]
//   name = "a"
//   url = "http://mx-a.internal:9091"     # or socket = "/run/postigo/admin.sock"
//   token_file = "a.token"
#pragma once

#include <string>
#include <vector>

#include "config/kept_secret.h"
#include "config/load.h"
#include "parser/base/result.h"

namespace postigo::config {

class Report;
class Visitor;

struct Door {
  std::string name;
  std::string socket;  // exactly one of the two is set
  std::string url;     // "http://host:port"
  KeptSecret token;    // for the url
};

struct Doors {
  std::vector<Door> doors;
  Problems problems;  // complete only if none is fatal
};

void describe(Visitor& visitor, std::vector<Door>& doors);
void check(const std::vector<Door>& doors, Report& report);
// Blocking. No exception leaves it.
Doors load_doors(const std::string& path);

// "http://host[:port]", 80 if there is no port; a path behind it but "/" is an error.
Result<Endpoint> parse_url(const std::string& url);

}  // namespace postigo::config
