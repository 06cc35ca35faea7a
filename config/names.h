// [names]: what the name of a login becomes before anybody is asked (backends/names/names.h).
//
// Plain values, checked and complete after load().
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace postigo::config {

// A name that `match` matches as a whole becomes `replace`.
struct Rewrite {
  std::string match;    // RE2
  std::string replace;  // with \0 to \9
  bool operator==(const Rewrite&) const = default;
};

struct NameForm {
  // Which of its two spellings an international domain has (RFC 5890): A-label, U-label, or what the client wrote.
  enum class Idn { ascii, unicode, keep };

  bool lowercase = true;            // of [routing]
  std::string default_domain = {};  // of [routing]
  std::vector<Rewrite> rewrites = {};
  std::vector<std::string> domain_aliases = {};  // "example.net=example.com"
  Idn idn = Idn::ascii;
  std::string delimiter = {};                   // any of these ends what is a name's own; empty: nothing does
  std::vector<std::string> strip_domains = {};  // that names lose; "*": all
  std::string allowed = {};                     // RE2 for whole names; empty: all but control characters
  uint64_t length_max = 512;                    // octets; limits::kUserMax
  bool operator==(const NameForm&) const = default;
};

}  // namespace postigo::config
