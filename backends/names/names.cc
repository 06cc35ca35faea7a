// The steps, and the round over them. Not here: expressions (octet_regex.cc), IDN (domains.cc), what is wrong with the
// rules (check_rewrites.cc).
#include "backends/names/names.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "backends/balance/siphash.h"
#include "backends/names/check_rewrites.h"
#include "backends/names/domains.h"
#include "backends/names/octet_regex.h"
#include "backends/user_name.h"
#include "parser/base/ascii.h"
#include "parser/base/limits.h"

namespace postigo {
namespace {

constexpr int kRoundsMax = 8;

bool is_control(char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }
bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }
bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return is_ascii(c); });
}

struct Rule {
  OctetRegex regex;
  std::string replacement;
};

}  // namespace

struct Names::Parts {
  config::NameForm form;
  std::vector<Rule> rules;
  std::optional<OctetRegex> allowed;
  NameMap<std::string> aliases;
  NameMap<bool> stripped;
  bool strips_all = false;

  explicit Parts(const config::NameForm& from);
  std::string spelled(std::string_view domain) const;
  std::string domain(std::string_view domain) const;
  void rewrite(std::string& name) const;
  void change_domain(std::string& name) const;
  void cut_extension(std::string& name) const;
  void strip_domain(std::string& name) const;
  std::string round(std::string_view name) const;
  const char* fault(std::string_view name) const;
};

Names::Parts::Parts(const config::NameForm& from) : form(from) {
  for (const config::Rewrite& each : form.rewrites) rules.push_back({OctetRegex(each.match), each.replace});
  if (!form.allowed.empty()) allowed.emplace(form.allowed);
  for (const std::string& each : form.domain_aliases) {
    const size_t equals = each.find('=');
    if (equals == std::string::npos) continue;
    aliases.emplace(spelled(each.substr(0, equals)), spelled(each.substr(equals + 1)));
  }
  for (const std::string& each : form.strip_domains) {
    if (each == "*") strips_all = true;
    stripped.emplace(domain(each), true);
  }
}

// One spelling of each domain. What is no valid one stays as it is: nobody has it, or his backend knows better.
std::string Names::Parts::spelled(std::string_view domain) const {
  std::string low = lower(domain);
  std::optional<std::string> other;
  if (form.idn == config::NameForm::Idn::ascii && !is_ascii(low)) other = domain_to_ascii(low);
  const bool has_label = !is_ascii(low) || low.find("xn--") != std::string::npos;
  if (form.idn == config::NameForm::Idn::unicode && has_label) other = domain_to_unicode(low);
  return other ? std::move(*other) : low;
}

std::string Names::Parts::domain(std::string_view domain) const {
  std::string real = spelled(domain);
  auto alias = aliases.find(real);
  return alias == aliases.end() ? real : alias->second;
}

void Names::Parts::rewrite(std::string& name) const {
  for (const Rule& rule : rules) {
    if (auto changed = rule.regex.rewrite(name, rule.replacement)) name = std::move(*changed);
  }
}

void Names::Parts::change_domain(std::string& name) const {
  const std::string_view written = domain_of(name);
  if (written.empty()) return;
  std::string real = domain(written);
  const bool same = form.lowercase ? real == written : equal_ignoring_case(real, written);
  if (!same) name.replace(name.size() - written.size(), written.size(), real);
}

void Names::Parts::cut_extension(std::string& name) const {
  if (form.delimiter.empty()) return;
  const size_t end = has_domain(name) ? name.size() - domain_of(name).size() - 1 : name.size();
  for (size_t i = 1; i < end; ++i) {
    const bool cuts = form.delimiter.find(name[i]) != std::string::npos;
    if (cuts && (is_utf8(name) || is_ascii(name[i - 1]))) {
      name.erase(i, end - i);
      return;
    }
  }
}

void Names::Parts::strip_domain(std::string& name) const {
  if (!has_domain(name)) return;
  const std::string_view of = domain_of(name);
  const bool goes = !of.empty() && (strips_all || stripped.contains(domain(of)));
  if (goes && of.size() + 1 < name.size()) name.resize(name.size() - of.size() - 1);
}

std::string Names::Parts::round(std::string_view from) const {
  std::string name = form.lowercase ? lower_name(from) : std::string(from);
  rewrite(name);
  if (name.empty()) return name;
  if (!form.default_domain.empty() && !has_domain(name)) name += '@' + form.default_domain;
  change_domain(name);
  cut_extension(name);
  strip_domain(name);
  return name;
}

const char* Names::Parts::fault(std::string_view name) const {
  if (name.empty()) return "nothing is left of it";
  if (name.front() == '@') return "it is a domain alone";
  if (name.size() > form.length_max) return "it is longer than names.length_max";
  if (std::any_of(name.begin(), name.end(), is_control)) return "it has control characters";
  if (allowed && !allowed->matches(name)) return "names.allowed does not match it";
  return nullptr;
}

config::Problems Names::check(const config::NameForm& form) {
  config::Problems problems = check_rewrites(form);
  if (OctetRegex allowed(form.allowed); !allowed.error().empty()) {
    problems.push_back(config::error_at("names.allowed", "bad regex: " + allowed.error()));
  }
  auto check_domain = [&](const std::string& key, const std::string& domain) {
    if (is_ascii(domain) || domain_to_ascii(domain)) return;
    problems.push_back(config::error_at(key, "\"" + printable(domain) + "\" is not a domain"));
  };
  for (size_t i = 0; i < form.domain_aliases.size(); ++i) {
    const std::string key = fmt::format("names.domain_aliases[{}]", i), &text = form.domain_aliases[i];
    check_domain(key, text.substr(0, text.find('=')));
    check_domain(key, text.substr(text.find('=') + 1));
  }
  for (size_t i = 0; i < form.strip_domains.size(); ++i) {
    check_domain(fmt::format("names.strip_domains[{}]", i), form.strip_domains[i]);
  }
  return problems;
}

Names::Names(const config::NameForm& form)
    : parts_(std::make_unique<const Parts>(form)),
      needs_domain_(!form.default_domain.empty()),
      never_plain_(!form.rewrites.empty() || !form.allowed.empty()),
      length_max_(form.length_max) {
  const bool domains =
      !parts_->aliases.empty() || !parts_->stripped.empty() || form.idn == config::NameForm::Idn::unicode;
  for (size_t i = 0; i < plain_.size(); ++i) {
    const char c = static_cast<char>(i);
    plain_[i] = is_ascii(c) && !is_control(c) && !(form.lowercase && to_lower(c) != c) && !(domains && c == '@') &&
                form.delimiter.find(c) == std::string::npos;
  }
}

Names::~Names() = default;
Names::Names(Names&&) noexcept = default;
Names& Names::operator=(Names&&) noexcept = default;

// Nearly all: then there is nothing to do but one look at each octet.
bool Names::is_plain(std::string_view name) const {
  if (never_plain_ || name.size() > length_max_ || name.starts_with('@')) return false;
  if (needs_domain_ && name.find('@') == std::string_view::npos) return false;
  return std::all_of(name.begin(), name.end(), [this](char c) { return plain_[static_cast<unsigned char>(c)]; });
}

Result<std::string> Names::normalise(std::string_view from) const {
  if (from.empty() || is_plain(from)) return std::string(from);
  std::string name(from);
  for (int i = 0; i < kRoundsMax; ++i) {
    std::string next = parts_->round(name);
    const bool rests = next == name;
    name = std::move(next);
    if (name.size() > limits::kUserMax) break;  // told below
    if (!rests) continue;
    if (const char* fault = parts_->fault(name)) return fail(fault);
    return name;
  }
  if (const char* fault = parts_->fault(name)) return fail(fault);
  return fail("the rules of names.rewrite change it for ever");
}

std::string Names::domain(std::string_view domain) const { return parts_->domain(domain); }

Result<std::string> Names::entry(std::string_view name) const {
  if (name.starts_with('@')) return '@' + domain(name.substr(1));
  return normalise(name);
}

}  // namespace postigo
