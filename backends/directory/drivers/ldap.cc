// LDAP: one search says who a user is and where he lives; his password is checked by a bind as him, or here by a hash
// that the entry has (ldap.password). All on the directory's own threads, each with a connection to search on and one
// that users bind on: what is searched is never searched in a user's name.
//
// Time (A22). With hashes it is entry.cc's and the chain's business. With binds nothing is hashed here (hashes()), and
// the chain evens out what other directories cost. Who does not exist costs a bind, too, as nobody: so both take two
// requests. What the server itself computes for a password is not evened out here, as nothing but its own users' hashes
// costs it as much: limits.auth_failure_delay covers that, and it does so by default.
//
// Not here: servers (ldap_servers.cc), what is asked and read (ldap_settings.cc).
#include <ldap.h>

#include <memory>
#include <utility>

#include "backends/client_network.h"
#include "backends/directory/drivers/heard.h"
#include "backends/directory/drivers/ldap_servers.h"
#include "backends/directory/drivers/ldap_settings.h"
#include "backends/directory/on_threads.h"
#include "backends/directory/password.h"
#include "backends/directory/source.h"
#include "backends/work/offload.h"
#include "parser/base/ascii.h"

namespace postigo {
namespace {

constexpr size_t kLdapWaitingMax = 4096;

// Active Directory says in the text of invalidCredentials what it is about, in hexadecimal.
Verdict verdict_of_refusal(const std::string& text) {
  static constexpr std::pair<const char*, Verdict> kMeanings[] = {
      {"data 525,", Verdict::no_such_user}, {"data 530,", Verdict::disabled},  // not at this time
      {"data 531,", Verdict::disabled},                                        // not from here
      {"data 532,", Verdict::disabled},                                        // password expired
      {"data 533,", Verdict::disabled},                                        // account disabled
      {"data 701,", Verdict::disabled},                                        // account expired
      {"data 773,", Verdict::disabled},                                        // must set a new password first
      {"data 775,", Verdict::disabled},                                        // locked
  };
  for (const auto& [words, verdict] : kMeanings) {
    if (text.find(words) != std::string::npos) return verdict;
  }
  return Verdict::bad_credentials;
}

// 389 Directory Server says so of accounts that are switched off or locked.
bool says_inactive(const std::string& text) {
  return text.find("inactivated") != std::string::npos || text.find("Exceed password retry limit") != std::string::npos;
}

Heard heard_of_bind(const LdapReply& reply) {
  switch (reply.code) {
    case LDAP_SUCCESS:
      return {Verdict::ok};
    case LDAP_INVALID_CREDENTIALS:
      return {verdict_of_refusal(reply.text)};
    case LDAP_INAPPROPRIATE_AUTH:  // he has no password
    case LDAP_NO_SUCH_OBJECT:      // he is just gone
      return {Verdict::bad_credentials};
    case LDAP_INVALID_DN_SYNTAX:
      return {Verdict::unusable, {}, {}, "the name to bind as is no distinguished name"};
    case LDAP_UNWILLING_TO_PERFORM:
    case LDAP_CONSTRAINT_VIOLATION:
      if (says_inactive(reply.text)) return {Verdict::disabled};
      break;
    default:
      break;
  }
  return {Verdict::try_later, {}, {}, "bind as the user: " + reply.meaning()};
}

class LdapSource final : public DirectorySource {
 public:
  LdapSource(const config::Directory& from, LdapSettings settings);

  // Blocks for as long as a server takes to answer.
  void prepare();

  std::unique_ptr<Directory> make(Env& env) const override;
  void start(Env& env, Lookup& lookup, const Query& query) const;
  std::string decoy() const override { return checking_.decoy; }
  std::string warning() const override { return warning_; }
  bool hashes() const override { return !settings_.binds(); }

  const std::string& name() const { return name_; }
  const std::shared_ptr<Offload>& threads() const { return threads_; }

  // On a thread; blocks.
  Heard find(const Query& query) const;
  void tell(Env& env, Lookup& lookup, const Query& query, Heard heard) const;

 private:
  Heard look_up(const Query& query) const;
  Heard search(std::string_view user, std::string& dn) const;
  Heard heard_of_search(const LdapReply& reply, const std::vector<LdapEntry>& entries, std::string_view user) const;
  Heard bind(const Query& query, Heard heard, const std::string& dn) const;
  Heard known_by_password_alone(const Query& query) const;
  void tell_after_hash(Env& env, Lookup& lookup, const Query& query, Heard heard) const;

  std::string name_, warning_;
  LdapSettings settings_;
  Checking checking_;
  mutable LdapServers servers_;
  std::shared_ptr<Offload> threads_;
};

LdapSource::LdapSource(const config::Directory& from, LdapSettings settings)
    : name_(from.name),
      settings_(std::move(settings)),
      checking_{from.check_password, default_decoy()},
      servers_(from.servers, settings_),
      threads_(std::make_shared<Offload>(from.threads, kLdapWaitingMax, from.timeout_ms, Offload::Running::left)) {}

// A first connection; and where hashes are compared here, one of them, for those who do not exist (A22).
void LdapSource::prepare() {
  std::vector<LdapEntry> entries;
  const bool hashes_here = checking_.enabled && hashes();
  auto reply = servers_.ask(LdapServers::As::us, [&](LdapConnection& connection) {
    return hashes_here ? connection.search(settings_.sample(), entries) : LdapReply();
  });
  if (!reply) warning_ = "directory " + name_ + ": " + reply.error().message;
  if (entries.empty()) return;
  const Entry one = settings_.read(entries.front(), {}).entry;
  if (check_stored_password(one.password)) checking_.decoy = one.password;
}

Heard LdapSource::find(const Query& query) const {
  Heard heard = look_up(query);
  if (!heard.detail.empty()) heard.detail = "directory " + name_ + ": " + heard.detail;
  wipe_stack();  // the library had the password
  return heard;
}

Heard LdapSource::look_up(const Query& query) const {
  if (query.want == Want::token || !may_be_asked(query.user)) return {Verdict::no_such_user};
  if (!settings_.searches()) return known_by_password_alone(query);
  std::string dn;
  Heard heard = search(query.user, dn);
  if (query.want != Want::verdict || !settings_.binds()) return heard;
  return bind(query, std::move(heard), dn);
}

// Nothing can be said of him without his password: he lives where everybody does, and who asks more asks others.
Heard LdapSource::known_by_password_alone(const Query& query) const {
  if (query.want == Want::verdict) return bind(query, {Verdict::ok}, {});
  return {query.want == Want::placement ? Verdict::ok : Verdict::no_such_user};
}

Heard LdapSource::search(std::string_view user, std::string& dn) const {
  auto what = settings_.search_for(user);
  if (!what) return {Verdict::no_such_user};
  std::vector<LdapEntry> entries;
  auto reply = servers_.ask(LdapServers::As::us, [&](LdapConnection& connection) {
    entries.clear();
    return connection.search(*what, entries);
  });
  if (!reply) return {Verdict::try_later, {}, {}, reply.error().message};
  if (entries.size() == 1) dn = entries.front().dn;
  return heard_of_search(*reply, entries, user);
}

Heard LdapSource::heard_of_search(const LdapReply& reply, const std::vector<LdapEntry>& entries,
                                  std::string_view user) const {
  if (reply.code == LDAP_SIZELIMIT_EXCEEDED || entries.size() > 1) {
    return {Verdict::unusable, {}, {}, "several entries match ldap.filter"};
  }
  if (reply.code == LDAP_NO_SUCH_OBJECT && settings_.base_is_of_the_name()) return {Verdict::no_such_user};
  if (reply.code == LDAP_NO_SUCH_OBJECT) {
    return {Verdict::try_later, {}, {}, "ldap.base does not exist, or we may not see it"};
  }
  if (!reply.ok()) return {Verdict::try_later, {}, {}, "search: " + reply.meaning()};
  if (entries.empty()) return {Verdict::no_such_user};
  return settings_.read(entries.front(), user);
}

// An empty password, or name, would be taken for nobody's and welcome (RFC 4513 5.1.2).
Heard LdapSource::bind(const Query& query, Heard heard, const std::string& dn) const {
  const bool unknown = heard.verdict == Verdict::no_such_user;
  if (heard.verdict != Verdict::ok && !unknown) return heard;
  const auto name = unknown ? std::optional(settings_.nobody()) : settings_.bind_name(query.user, dn);
  if (query.password.empty()) return {unknown ? Verdict::no_such_user : Verdict::bad_credentials};
  if (!name)
    return {settings_.searches() ? Verdict::unusable : Verdict::no_such_user, {}, {}, "there is no name to bind as"};
  auto reply = servers_.ask(LdapServers::As::users, [&](LdapConnection& connection) {
    return connection.bind(*name, query.password.reveal());
  });
  if (!reply) return {Verdict::try_later, {}, {}, reply.error().message};
  if (unknown) return heard;
  Heard told = heard_of_bind(*reply);
  return told.verdict == Verdict::ok ? heard : told;
}

// What is wrong with an entry is told no earlier than a wrong password.
void LdapSource::tell_after_hash(Env& env, Lookup& lookup, const Query& query, Heard heard) const {
  auto hash = [password = query.password, decoy = checking_.decoy] { (void)verify_password(password, decoy); };
  auto told = [&lookup, heard] { lookup.finish({heard.verdict, {}, heard.detail}); };
  auto ticket = env.offload(Env::Pool::password, {Turn::Rank::last, client_network(query.client_ip)}, hash, told);
  if (!ticket) return answer_later(env, lookup, try_later(ticket.error().message));
  lookup.hold(std::move(*ticket));
}

void LdapSource::tell(Env& env, Lookup& lookup, const Query& query, Heard heard) const {
  const bool here = checking_.enabled && !settings_.binds();
  if (here && heard.verdict == Verdict::unusable && query.want == Want::verdict) {
    return tell_after_hash(env, lookup, query, std::move(heard));
  }
  if (!here || heard.verdict != Verdict::ok) return answer_heard(env, lookup, query, std::move(heard), checking_);
  Query renamed = query;
  if (!heard.name.empty()) renamed.user = heard.name;
  answer(env, lookup, renamed, {std::move(heard.entry), std::nullopt}, checking_);
}

std::unique_ptr<Directory> LdapSource::make(Env& env) const { return make_shared_directory(env, *this); }

void LdapSource::start(Env& env, Lookup& lookup, const Query& query) const {
  auto asked = find_on(
      env, threads_, lookup, query, [kept = held(*this)](const Query& about) { return kept->find(about); },
      [&env, &lookup, kept = held(*this)](const Query& about, Heard heard) {
        kept->tell(env, lookup, about, std::move(heard));
      });
  if (!asked) answer_later(env, lookup, try_later("directory " + name_ + ": " + asked.error().message));
}

}  // namespace

Result<SharedSource> load_ldap_directory(const config::Directory& from) {
  auto settings = LdapSettings::parse(from);
  if (!settings) return fail("directory " + from.name + ": " + settings.error().message);
  auto source = std::make_shared<LdapSource>(from, std::move(*settings));
  source->prepare();
  return SharedSource(std::move(source));
}

}  // namespace postigo
