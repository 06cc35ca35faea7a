// Not here: what the verbs do (control/verbs*.cc).
#include "proxy/ops/verbs.h"

#include <algorithm>

#include "parser/protocol.h"

namespace postigo {
namespace {

using Kind = Parameter::Kind;

std::vector<std::string_view> protocol_words() {
  std::vector<std::string_view> words;
  for (const Protocol& each : protocols()) words.push_back(each.name);
  return words;
}

std::vector<Parameter> filters() {
  return {{"user", Kind::text, "Sessions of this user, as normalised"},
          {"id", Kind::text, "The session with this id"},
          {"address", Kind::text, "Sessions from this address, or from this network: 10.0.0.0/8"},
          {"backend", Kind::text, "Sessions at this backend"},
          {"listener", Kind::text, "Sessions that came through this listener"},
          {"protocol", Kind::text, "Sessions of this protocol", false, false, protocol_words()}};
}

template <typename... More>
std::vector<Parameter> filters_and(More... more) {
  auto all = filters();
  (all.push_back(std::move(more)), ...);
  return all;
}

const std::vector<Verb>& table() {
  static const std::vector<Verb> verbs = {
      {"status", "What runs, since when, how full it is", false, answers::status()},
      {"version", "Which version runs", false, answers::version()},
      {"who", "Sessions, those of the first worker first", false, answers::who(),
       filters_and(Parameter{"limit", Kind::number, "At most so many (default 1000)"},
                   Parameter{"by",
                             Kind::text,
                             "bytes: those that have relayed most come first, and stay within the limit",
                             false,
                             false,
                             {"bytes"}})},
      {"kick", "End sessions; at least one filter must be given", true, answers::kick(),
       filters_and(Parameter{"over", Kind::duration,
                             "Spread over this time, each where that cuts no response (default: all of them now)"})},
      {"backends", "Backends with their sessions and logins", false, answers::backends()},
      {"backend",
       "Take a backend out of service, or back into it",
       true,
       answers::backend(),
       {{"name", Kind::text, "The backend", true, true},
        {"state",
         Kind::text,
         "drain: no new logins; down: sessions are let go, too; ready: it serves, whatever else speaks against it; "
         "weight N: of its users only N in a hundred come, the others prefer the next backend of the shard; auto: as "
         "the configuration says",
         true,
         true,
         {"auto", "ready", "drain", "down", "weight"}},
        {"weight", Kind::number, "For weight: 0 to 100; 0 makes it the last resort", true},
        {"over", Kind::duration, "For down: let sessions go spread over this time (default: all of them now)"}}},
      {"listeners", "Listeners with their addresses and connections", false, answers::listeners()},
      {"certs", "Certificates with their names and when they expire", false, answers::certs()},
      {"totals", "What was counted since the start: of two answers the difference is what happened between them", false,
       answers::totals()},
      {"problems",
       "The newest warnings and errors of the log",
       false,
       answers::problems(),
       {{"limit", Kind::number, "At most so many (default 50, and no more than 200 are kept)"}}},
      {"route",
       "Where this user would be sent now, and why (directories are not asked)",
       false,
       answers::route(),
       {{"user", Kind::text, "As the user would log in", true, true},
        {"protocol", Kind::text, "Default: imap", false, false, protocol_words()}}},
      {"move",
       "Send a user elsewhere: his next logins go there, and those of now if they are ended",
       true,
       answers::move(),
       {{"user", Kind::text, "As the user would log in", true, true},
        {"to", Kind::text, "A backend, a shard, POOL/SHARD, or auto: back to where he lives", true, true},
        {"kick", Kind::flag, "End his sessions; his new logins wait until all of them are gone"},
        {"for", Kind::duration, "The order ends by itself then (default: with the process)"},
        {"permanent", Kind::flag, "It stands until it is taken back, also over a restart"}}},
      {"hold",
       "Let logins of a user wait, while his mailbox is moved",
       true,
       answers::hold(),
       {{"user", Kind::text, "As the user would log in", true, true},
        {"max", Kind::duration, "It ends by itself then (default 60s, at most 10m)"}}},
      {"release",
       "Let the logins of a user go on",
       true,
       answers::release(),
       {{"user", Kind::text, "As the user would log in", true, true}}},
      {"users",
       "Users whose backend is remembered (affinity), and where they would live without",
       false,
       answers::users(),
       {{"off-home", Kind::flag, "Only those who are not where directories, rules and hash would send them"},
        {"backend", Kind::text, "Only those at this backend"},
        {"limit", Kind::number, "At most so many (default 1000)"}}},
      {"flush",
       "Move the users of a backend away, one by one, and let it drain, unless --to or --hook says where they live "
       "then; "
       "without a name: how far that is",
       true,
       answers::flush(),
       {{"name", Kind::text, "The backend", true},
        {"to", Kind::text, "The backend or shard where they go (default: the next one of its shard)"},
        {"max-parallel", Kind::number, "Users under way at a time (default 10)"},
        {"rate", Kind::number, "Users a second (default 100)"},
        {"hook", Kind::text, "A program in [admin] hook_folder that carries the mailbox over: PROGRAM USER FROM TO"},
        {"max", Kind::duration, "For each user: then he stays where he is (default 60s, at most 10m)"},
        {"for", Kind::duration, "With --to or --hook: they come back by themselves then (default: never)"},
        {"stop", Kind::flag, "Begin with no more users"}}},
      {"trace",
       "Write down what goes over the wire of sessions that begin now, both sides, without passwords",
       true,
       answers::trace(),
       {{"whom", Kind::text, "A user, an address or a network", true, true},
        {"for", Kind::duration, "It ends by itself then (default 5m)"}}},
      {"penalties",
       "Addresses, networks and users with failed logins, the worst first",
       false,
       answers::penalties(),
       {{"limit", Kind::number, "At most so many (default 100)"}}},
      {"forgive",
       "Forget the failed logins of a user, an address or a network",
       true,
       answers::forgive(),
       {{"whom", Kind::text, "A user, an address or a network", true, true}}},
      {"cache",
       "Forget what directories have answered",
       true,
       answers::cache(),
       {{"action", Kind::text, "flush: the next logins are asked about again", true, true, {"flush"}},
        {"user", Kind::text, "Of this user alone; default: all of it", true}}},
      {"config", "The configuration in effect, secrets as ***", false, answers::config()},
      {"diff",
       "What a reload, or another file, would change now, key by key, and whose sessions it would touch",
       false,
       answers::diff(),
       {{"configuration", Kind::configuration, "That file; default: the one that a reload would read", true}}},
      {"reload",
       "Read the configuration and make it take effect, all or nothing",
       true,
       answers::reload(),
       {{"partial", Kind::flag, "Leave out what only a restart can change"}}},
      {"log",
       "Set the level until the next reload of [log], or open the file again",
       true,
       answers::log(),
       {{"action", Kind::text, "What to do", true, true, {"level", "reopen"}},
        {"level", Kind::text, "For level", true, false, {"debug", "info", "warning", "error"}}}},
      {"drain",
       "Say 503 on /readyz and let the sessions of now go; who comes is served as ever",
       true,
       answers::drain(),
       {{"over", Kind::duration, "Spread over this time (default 10m)"}}},
      {"undrain", "Take drain back: who has not gone yet stays", true, answers::drain()},
      {"stop", "End the process as SIGTERM does", true, {}},
      {"upgrade", "Let the program as it is on disk now take this one's place; sessions stay with this one", true,
       answers::upgrade()},
  };
  return verbs;
}

}  // namespace

std::span<const Verb> verbs() { return table(); }

bool Verb::takes_configuration() const {
  return std::any_of(parameters.begin(), parameters.end(),
                     [](const Parameter& each) { return each.kind == Parameter::Kind::configuration; });
}

const Verb* find_verb(std::string_view name) {
  for (const Verb& verb : table()) {
    if (verb.name == name) return &verb;
  }
  return nullptr;
}

}  // namespace postigo
