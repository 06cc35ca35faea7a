// `postigo ctl`: a thin client of the admin API: a verb becomes a request, asked at one place or at several doors.
// Knows no verb by name. Not here: how it is asked (ctl_client.cc), how answers look (ctl_print.cc).
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <future>
#include <nlohmann/json.hpp>
#include <ostream>

#include "config/doors.h"
#include "config/load.h"
#include "config/secrets.h"
#include "config/suggest.h"
#include "parser/base/ascii.h"
#include "proxy/commands/commands.h"
#include "proxy/commands/ctl_client.h"
#include "proxy/commands/ctl_print.h"
#include "proxy/ops/config_listing.h"
#include "proxy/ops/verbs.h"

namespace postigo::commands {
namespace {

constexpr size_t kLineMax = 4096;
constexpr const char* kTokenVariable = "POSTIGO_TOKEN";

using Problem = std::string;  // one line for standard error; empty: none

struct Asked {
  std::string door;  // empty: no name was needed
  Place place;
};

Problem complain(const std::string& what) { return "postigo ctl: " + what + '\n'; }

// Problems of a file, all of them. False if it cannot be used.
bool told(const config::Problems& problems, Streams io) {
  for (const config::Problem& problem : problems) {
    if (problem.fatal) io.err << to_string(problem) << '\n';
  }
  return !config::any_fatal(problems);
}

// --- where ---

// The socket that the configuration names. Nothing of it is printed but what is wrong.
std::optional<Place> place_of_configuration(const std::string& file, Streams io) {
  config::Loaded loaded = config::load_file(file);
  if (!told(loaded.problems, io)) return std::nullopt;
  const std::string& socket = loaded.config.startup.admin.socket;
  if (!socket.empty()) return Place{.socket = socket};
  io.err << complain(file + " names no [admin] socket");
  return std::nullopt;
}

// Never from the command line: other users of the machine can see that.
std::optional<Place> place_of_url(const CtlOptions& options, Streams io) {
  if (auto parsed = config::parse_url(options.url); !parsed) {
    io.err << complain(parsed.error().message);
    return std::nullopt;
  }
  Place place{.url = options.url};
  Problem wrong;
  auto take = [&](const auto& read) { read ? void(place.token = *read) : void(wrong = read.error().message); };
  if (!options.token_file.empty()) {
    take(config::read_secret_file(options.token_file));
  } else if (std::getenv(kTokenVariable) != nullptr) {
    take(config::read_secret_env(kTokenVariable));
    config::forget_in_environment(place.token);
  } else {
    wrong = fmt::format("a url needs a token: --token-file FILE, or {} in the environment", kTokenVariable);
  }
  if (wrong.empty()) return place;
  io.err << complain(wrong);
  return std::nullopt;
}

std::string doors_file(const CtlOptions& options) {
  if (!options.doors_file.empty()) return options.doors_file;
  const char* base = std::getenv("XDG_CONFIG_HOME");
  const char* home = std::getenv("HOME");
  if (base != nullptr && *base == '/') return std::string(base) + "/postigo/ctl.toml";
  return std::string(home != nullptr ? home : "") + "/.config/postigo/ctl.toml";
}

std::vector<Asked> places_of_doors(const CtlOptions& options, Streams io) {
  std::string file = doors_file(options);
  config::Doors known = config::load_doors(file);
  if (!told(known.problems, io)) return {};
  std::vector<Asked> asked;
  std::vector<std::string> names;
  for (const config::Door& each : known.doors) names.push_back(each.name);
  for (const std::string& name : options.doors) {
    auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      io.err << complain(
          fmt::format("{} has no door {}{}", file, config::in_quotes(name), config::did_you_mean(name, names)));
      return {};
    }
    const config::Door& door = known.doors[static_cast<size_t>(found - names.begin())];
    asked.push_back({name, {door.socket, door.url, door.token}});
  }
  return asked;
}

// None: it was told why.
std::vector<Asked> places(const CtlOptions& options, Streams io) {
  if (!options.doors.empty()) return places_of_doors(options, io);
  auto place = !options.socket.empty() ? std::optional(Place{.socket = options.socket})
               : !options.url.empty()  ? place_of_url(options, io)
                                       : place_of_configuration(options.file, io);
  if (!place) return {};
  return {{"", *place}};
}

// --- what ---

// Files become their listings. None: it was told why.
std::optional<Json> parameters_of(const Verb& verb, const CtlOptions& options, Streams io) {
  Json parameters = Json::object();
  for (const auto& [name, value] : options.parameters) {
    auto known = std::find_if(verb.parameters.begin(), verb.parameters.end(),
                              [&name = name](const Parameter& each) { return each.name == name; });
    if (known->kind != Parameter::Kind::configuration) {
      parameters[name] = value;
      continue;
    }
    config::Loaded loaded = config::load_file(value);
    if (!told(loaded.problems, io)) return std::nullopt;
    parameters[name] = listing_of(loaded.config);
  }
  return parameters;
}

Ask ask_of(const Verb& verb, const Json& parameters) {
  std::string target = fmt::format("/api/v1/{}", verb.name);
  if (verb.changes || (verb.takes_configuration() && !parameters.empty())) {
    return {"POST", target, parameters.dump(-1, ' ', false, Json::error_handler_t::replace)};
  }
  char mark = '?';
  for (const auto& [name, value] : parameters.items()) {
    target += fmt::format("{}{}={}", mark, name, encoded(value.get<std::string>()));
    mark = '&';
  }
  return {"GET", target, ""};
}

// --- the answers ---

std::string before(const std::string& door) { return door.empty() ? "" : door + ": "; }

void tell_version(const std::string& door, const Answer& answer, Streams io) {
  if (answer.version.empty() || answer.version == POSTIGO_VERSION) return;
  io.err << complain(fmt::format("{}warning: this is version {}, what runs there is {}", before(door), POSTIGO_VERSION,
                                 printable(answer.version)));
}

Json body_of(const Result<Answer>& answer) { return answer ? answer->body : Json{{"error", answer.error().message}}; }

int print(const std::string& door, const Result<Answer>& answer, bool json, Streams io) {
  bool done = answer && answer->status == 200;
  if (answer) tell_version(door, *answer, io);
  Json body = body_of(answer);
  if (!json && !door.empty()) io.out << "== " << door << " ==\n" << std::flush;
  if (!done) {
    io.err << complain(before(door) + printable(body.value("error", "it was refused"), kLineMax)) << std::flush;
  }
  if (!json) print_answer(body, done ? io.out : io.err);
  return done ? kOk : kFailed;
}

// All at once: one that does not answer delays no other.
std::vector<Result<Answer>> ask_all(const std::vector<Asked>& asked, const Ask& what) {
  std::vector<std::future<Result<Answer>>> pending;
  for (const Asked& each : asked) {
    pending.push_back(std::async(std::launch::async, [&each, &what] { return ask(each.place, what); }));
  }
  std::vector<Result<Answer>> answers;
  for (auto& each : pending) answers.push_back(each.get());
  return answers;
}

}  // namespace

int ctl(const CtlOptions& options, Streams io) {
  const Verb& verb = *find_verb(options.verb);
  auto parameters = parameters_of(verb, options, io);
  if (!parameters) return kBadConfiguration;
  std::vector<Asked> asked = places(options, io);
  if (asked.empty()) return kBadConfiguration;
  std::vector<Result<Answer>> answers = ask_all(asked, ask_of(verb, *parameters));
  int code = kOk;
  Json all = Json::object();
  for (size_t i = 0; i < asked.size(); ++i) {
    code = std::max(code, print(asked[i].door, answers[i], options.json, io));
    all[asked[i].door] = body_of(answers[i]);
  }
  bool by_door = !options.doors.empty();
  if (options.json && (by_door || answers[0])) io.out << (by_door ? all : all[""]).dump(2) << '\n';
  return code;
}

}  // namespace postigo::commands
