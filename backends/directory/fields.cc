// The table of fields. Not here: how servers are asked (the drivers), and what a field means (entry.cc).
#include "backends/directory/fields.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "backends/directory/moment.h"
#include "config/network.h"
#include "parser/base/ascii.h"
#include "parser/protocol.h"

namespace postigo {
namespace {

bool is_one_of(std::string_view value, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](auto word) { return equal_ignoring_case(value, word); });
}

// As databases, LDAP and people write it.
Result<bool> truth(std::string_view value) {
  if (is_one_of(value, {"1", "t", "y", "true", "yes", "on"})) return true;
  if (is_one_of(value, {"", "0", "f", "n", "false", "no", "off"})) return false;
  return fail("is neither yes nor no");
}

template <auto member>
Result<void> set_text(Entry& entry, std::string_view value) {
  entry.*member = value;
  return {};
}
template <auto member>
std::string text(const Entry& entry) {
  return entry.*member;
}

// It is said to a backend, where another line would be another command (A2).
Result<void> set_backend_user(Entry& entry, std::string_view value) {
  if (!fits_in_line(value)) return fail("is not one line");
  entry.backend_user = value;
  return {};
}

Result<void> set_backend_password(Entry& entry, std::string_view value) {
  if (!fits_in_line(value)) return fail("is not one line");
  entry.backend_password = Secret(value);
  return {};
}
std::string backend_password(const Entry&) { return {}; }  // told to nobody

template <auto member, bool reversed = false>
Result<void> set_flag(Entry& entry, std::string_view value) {
  auto is = truth(value);
  if (!is) return tl::unexpected(is.error());
  entry.*member = *is != reversed;
  return {};
}
template <auto member, bool reversed = false>
std::string flag(const Entry& entry) {
  return entry.*member != reversed ? "1" : "0";
}

// Members of Entry and of its Conditions alike.
template <auto member>
auto& member_of(auto& entry) {
  if constexpr (requires { entry.*member; }) {
    return entry.*member;
  } else {
    return entry.may.*member;
  }
}

template <auto member>
Result<void> set_moment(Entry& entry, std::string_view value) {
  auto moment = parse_moment(value);
  if (!moment) return tl::unexpected(moment.error());
  member_of<member>(entry) = *moment;
  return {};
}
template <auto member>
std::string moment(const Entry& entry) {
  return write_moment(member_of<member>(entry));
}

std::vector<std::string> words(std::string_view value) {
  constexpr std::string_view kBetween = ", \t;";
  std::vector<std::string> found;
  for (size_t begin = 0; (begin = value.find_first_not_of(kBetween, begin)) != value.npos;) {
    const size_t end = std::min(value.find_first_of(kBetween, begin), value.size());
    found.emplace_back(value.substr(begin, end - begin));
    begin = end;
  }
  return found;
}

std::string joined(const std::vector<std::string>& words_of) {
  std::string all;
  for (const std::string& word : words_of) all += (all.empty() ? "" : ",") + word;
  return all;
}

Result<void> set_networks(Entry& entry, std::string_view value) {
  entry.may.networks = words(value);
  for (const std::string& network : entry.may.networks) {
    if (auto parsed = config::parse_network(network); !parsed) return fail("\"" + network + "\" is no network");
  }
  return {};
}
std::string networks(const Entry& entry) { return joined(entry.may.networks); }

Result<void> set_protocols(Entry& entry, std::string_view value) {
  entry.may.protocols = words(lower(value));
  for (const std::string& protocol : entry.may.protocols) {
    if (find_protocol(protocol) == nullptr) return fail("\"" + protocol + "\" is no protocol that is spoken here");
  }
  return {};
}
std::string protocols_text(const Entry& entry) { return joined(entry.may.protocols); }

Result<void> set_listeners(Entry& entry, std::string_view value) {
  entry.may.listeners = words(value);
  return {};
}
std::string listeners(const Entry& entry) { return joined(entry.may.listeners); }

Result<void> set_sessions_max(Entry& entry, std::string_view value) {
  uint64_t number = 0;
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (!value.empty() && (error != std::errc() || end != value.data() + value.size())) return fail("is no number");
  entry.sessions_max = number;
  return {};
}
std::string sessions_max(const Entry& entry) {
  return entry.sessions_max == 0 ? std::string() : std::to_string(entry.sessions_max);
}

struct Field {
  std::string_view name;
  Result<void> (*set)(Entry& entry, std::string_view value);
  std::string (*get)(const Entry& entry);
  bool listed = true;  // in field_names()
};

using May = config::Conditions;
constexpr Field kFields[] = {
    {"user", set_text<&Entry::name>, text<&Entry::name>, false},
    {"password", set_text<&Entry::password>, text<&Entry::password>},
    {"pool", set_text<&Entry::pool>, text<&Entry::pool>},
    {"shard", set_text<&Entry::shard>, text<&Entry::shard>},
    {"backend_user", set_backend_user, text<&Entry::backend_user>},
    {"disabled", set_flag<&Entry::disabled>, flag<&Entry::disabled>},
    {"enabled", set_flag<&Entry::disabled, true>, flag<&Entry::disabled, true>, false},
    {"disabled_until", set_moment<&Entry::disabled_until_s>, moment<&Entry::disabled_until_s>},
    {"valid_from", set_moment<&May::valid_from_s>, moment<&May::valid_from_s>},
    {"valid_until", set_moment<&May::valid_until_s>, moment<&May::valid_until_s>},
    {"moving_until", set_moment<&Entry::moving_until_s>, moment<&Entry::moving_until_s>},
    {"networks", set_networks, networks},
    {"protocols", set_protocols, protocols_text},
    {"listeners", set_listeners, listeners},
    {"class", set_text<&Entry::limit_class>, text<&Entry::limit_class>},
    {"sessions_max", set_sessions_max, sessions_max},
    {"main_password", set_flag<&Entry::main_password>, flag<&Entry::main_password>},
    {"backend", set_text<&Entry::backend>, text<&Entry::backend>, false},
    {"backend_password", set_backend_password, backend_password, false},
};

const Field* find(std::string_view name) {
  auto field = std::find_if(std::begin(kFields), std::end(kFields),
                            [&](const Field& row) { return equal_ignoring_case(row.name, name); });
  return field == std::end(kFields) ? nullptr : field;
}

}  // namespace

Result<FieldNames> FieldNames::parse(const std::vector<std::string>& pairs) {
  FieldNames names;
  for (const std::string& pair : pairs) {
    const size_t equals = pair.find('=');
    std::string ours = pair.substr(equals + 1);
    if (find(ours) == nullptr) return fail("there is no field \"" + ours + '"');
    names.pairs_.emplace_back(pair.substr(0, equals), std::move(ours));
  }
  return names;
}

std::string_view FieldNames::ours(std::string_view theirs) const {
  for (const auto& [name, ours] : pairs_) {
    if (equal_ignoring_case(name, theirs)) return ours;
  }
  return theirs;
}

const std::vector<std::string_view>& field_names() {
  static const auto kNames = [] {
    std::vector<std::string_view> names;
    for (const Field& field : kFields) {
      if (field.listed) names.push_back(field.name);
    }
    return names;
  }();
  return kNames;
}

std::string field_text(const Entry& entry, std::string_view name) { return find(name)->get(entry); }

Result<bool> set_field(Entry& entry, std::string_view name, std::string_view value) {
  const Field* field = find(name);
  if (field == nullptr) return false;
  auto set = field->set(entry, value);
  if (!set) return fail(std::string(field->name) + ' ' + set.error().message);
  return true;
}

}  // namespace postigo
