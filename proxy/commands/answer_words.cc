// Not here: how it is asked (asking.cc), what it means for a login (rehearsal.cc).
#include "proxy/commands/answer_words.h"

#include <fmt/format.h>

#include "backends/directory/fields.h"
#include "parser/base/ascii.h"

namespace postigo::commands {

namespace {

using Facts = std::vector<std::pair<std::string, std::string>>;

std::string scheme_of(const std::string& stored) {
  if (stored.empty()) return "none";
  const size_t end = stored.find('}');
  return stored.starts_with('{') && end != std::string::npos ? stored.substr(0, end + 1) : "{CRYPT}";
}

void add_entry(Facts& facts, const Entry& entry, const std::string& before) {
  static const Entry kUsual;
  for (std::string_view field : field_names()) {
    if (field == "password") continue;
    const std::string text = field_text(entry, field);
    if (text != field_text(kUsual, field)) facts.emplace_back(before + std::string(field), printable(text));
  }
  if (!entry.password.empty()) facts.emplace_back(before + "password", scheme_of(entry.password));
  if (!entry.backend_password.empty()) facts.emplace_back(before + "backend_password", "there is one");
}

// Where there is no entry: an issuer of tokens.
void add_identity(Facts& facts, const Identity& identity) {
  auto add = [&facts](const char* name, const std::string& value) {
    if (!value.empty()) facts.emplace_back(name, printable(value));
  };
  add("backend", identity.backend);
  add("pool", identity.pool);
  add("shard", identity.shard);
  add("backend_user", identity.backend_user);
  add("class", identity.limit_class);
}

std::string known(const Asking::Step& step, std::string_view mechanism) {
  switch (step.want) {
    case Want::verdict:
      return step.said->identity.verified ? "the password is right" : "it knows him; his backend checks the password";
    case Want::token:
      return "the token is good";
    case Want::secret:
      return fmt::format("it knows him, {} {}",
                         step.said->secret.empty() ? "with nothing that is of use for" : "with what it takes for",
                         mechanism);
    case Want::placement:
    case Want::account:
      break;
  }
  return "it knows him";
}

}  // namespace

std::string answer_in_words(const Asking::Step& step, std::string_view mechanism) {
  if (!step.said) return "no answer in time";
  switch (step.said->verdict) {
    case Verdict::ok:
      return known(step, mechanism);
    case Verdict::bad_credentials:
      return step.want == Want::token ? "the token is refused" : "the password is wrong";
    case Verdict::no_such_user:
      return step.want == Want::token ? "it knows nothing of tokens" : "it does not know him";
    case Verdict::disabled:
      return "he may not come in";
    case Verdict::unusable:
      return "what it keeps of him is of no use";
    case Verdict::try_later:
      break;
  }
  return "it cannot say now";
}

Facts facts_of(const Asking::Step& step) {
  Facts facts;
  const bool named = step.said && !step.said->identity.user.empty() && step.said->identity.user != step.user;
  if (named) facts.emplace_back("user", printable(step.said->identity.user));
  if (step.found && step.found->user) add_entry(facts, *step.found->user, "");
  if (step.found && step.found->domain) add_entry(facts, *step.found->domain, "domain.");
  if (!step.found && step.said) add_identity(facts, step.said->identity);
  if (step.found && !step.found->app_passwords.empty()) {
    facts.emplace_back("app_passwords", std::to_string(step.found->app_passwords.size()));
  }
  return facts;
}

}  // namespace postigo::commands
