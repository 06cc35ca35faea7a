// [names]: do its parts contradict each other? Not here: expressions and international domains (backends/names).
#include <algorithm>
#include <map>
#include <string>
#include <string_view>

#include "config/check.h"
#include "config/check_shared.h"
#include "config/suggest.h"
#include "config/units.h"
#include "parser/base/ascii.h"

namespace postigo::config {

namespace {

using Aliases = std::map<std::string, std::string>;

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

void check_ascii_domain(const std::string& domain, const std::string& path, Report& report) {
  if (domain.empty()) return report.error(path, "a domain is missing");
  if (is_ascii(domain)) check_domain(domain, path, report);
}

Aliases read_aliases(const NameForm& x, Report& report) {
  Aliases aliases;
  for (size_t i = 0; i < x.domain_aliases.size(); ++i) {
    const std::string path = at_index("names.domain_aliases", i), text = lower(x.domain_aliases[i]);
    const size_t equals = text.find('=');
    if (equals == std::string::npos) {
      report.error(path, in_quotes(text) + " is not of the form \"example.net=example.com\"");
      continue;
    }
    const std::string alias = text.substr(0, equals), domain = text.substr(equals + 1);
    check_ascii_domain(alias, path, report);
    check_ascii_domain(domain, path, report);
    if (alias == domain) report.error(path, in_quotes(alias) + " is an alias of itself");
    if (!aliases.emplace(alias, domain).second) report.error(path, in_quotes(alias) + " has two meanings");
  }
  return aliases;
}

void check_aliases(const NameForm& x, const Aliases& aliases, Report& report) {
  for (size_t i = 0; i < x.domain_aliases.size(); ++i) {
    const std::string text = lower(x.domain_aliases[i]), domain = text.substr(text.find('=') + 1);
    auto again = aliases.find(domain);
    if (again == aliases.end() || again->second == domain) continue;
    report.error(at_index("names.domain_aliases", i),
                 in_quotes(domain) + " is an alias itself: write what it stands for, " + in_quotes(again->second));
  }
}

void check_strip(const NameForm& x, const Aliases& aliases, Report& report) {
  auto real = [&](const std::string& domain) {
    auto found = aliases.find(domain);
    return found == aliases.end() ? domain : found->second;
  };
  for (size_t i = 0; i < x.strip_domains.size(); ++i) {
    const std::string path = at_index("names.strip_domains", i), domain = lower(x.strip_domains[i]);
    if (domain != "*") check_ascii_domain(domain, path, report);
    if (real(domain) != domain) {
      report.error(path, in_quotes(domain) + " is an alias: name " + in_quotes(real(domain)) + " instead");
    } else if (!x.default_domain.empty() && (domain == "*" || domain == real(x.default_domain))) {
      report.error(path, "takes away what routing.default_domain adds: set one of them");
    }
  }
}

void check_delimiter(const NameForm& x, Report& report) {
  auto may_be = [](char c) {
    const char l = to_lower(c);
    return c > ' ' && c < 0x7f && c != '@' && !is_digit(c) && !(l >= 'a' && l <= 'z');
  };
  if (std::all_of(x.delimiter.begin(), x.delimiter.end(), may_be)) return;
  report.error("names.delimiter", "must have punctuation only, and no \"@\": what stands behind it is cut off");
}

}  // namespace

void check_name_form(const NameForm& x, Report& report) {
  const Aliases aliases = read_aliases(x, report);
  check_aliases(x, aliases, report);
  check_strip(x, aliases, report);
  check_delimiter(x, report);
  for (size_t i = 0; i < x.rewrites.size(); ++i) {
    const std::string path = at_index("names.rewrite", i);
    if (x.rewrites[i].match.empty()) report.error(path, "match must be set");
    if (x.rewrites[i].replace.empty()) report.error(path, "replace must be set: an empty name is nobody's");
  }
}

}  // namespace postigo::config
