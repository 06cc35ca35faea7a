// What operators ask for becomes orders, jobs of the Mover and a Flush. Not here: how a user is moved (mover.cc), what
// an order means for a login (session/placement.cc).
#include "proxy/control/verbs_users.h"

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "proxy/control/control_thread.h"
#include "proxy/control/target.h"
#include "proxy/control/verbs.h"
#include "proxy/session/placement.h"

namespace postigo {
namespace {

constexpr uint64_t kListingMs = 60'000;
constexpr const char* kTooLong = "directories have been asked for a minute: ask for fewer, with --backend or --limit";
constexpr const char* kNotNow = "the directories do not answer now";
constexpr uint64_t kHoldMs = 60'000;
constexpr uint64_t kHoldMaxMs = 10 * 60'000;
constexpr uint64_t kParallel = 10, kParallelMax = 1000, kPerSecond = 100;

uint64_t unix_s() { return static_cast<uint64_t>(std::time(nullptr)); }

// Where directories, rules and hashes send him; whom no directory knows, or who cannot be asked about: as if there were
// none.
Result<Route> home_of(ControlThread& control, const std::string& user, const LookupResult& known) {
  Identity identity = known.identity;
  identity.user = user;
  return control.running().snapshot->router->route(identity, "imap", std::time(nullptr));
}

std::string target_text(const Moves::Order& order) {
  return order.pool + "/" + order.shard + (order.backend.empty() ? "" : "/" + order.backend);
}

// Unix time; 0: for good.
Result<uint64_t> until_of(const Json& parameters) {
  if (!parameters.contains("for")) return uint64_t{0};
  uint64_t for_ms = parameters.at("for");
  if (for_ms == 0) return fail("for: longer than nothing; without it it is for good");
  return unix_s() + (for_ms + 999) / 1000;
}

struct Wish {
  std::string user;
  std::optional<Moves::Order> order;  // none: back to where he lives
};

bool apply(ControlThread& control, const Wish& wish) {
  Ledger& ledger = control.ledger();
  ledger.affinity.forget(wish.user);
  if (wish.order) return ledger.moves.set(wish.user, *wish.order);
  ledger.moves.forget(wish.user);
  return true;
}

std::string note_of(ControlThread& control, const Wish& wish, const std::string& not_kept) {
  auto known = control.ledger().affinity.look(wish.user);
  if (known && known->held) return "his sessions hold him where he is until they end: --kick ends them";
  if (!wish.order || !wish.order->lasts) return {};
  if (control.orders().file().empty()) return "forgotten at a restart: there is no [server] state_file";
  return not_kept.empty() ? "" : "forgotten at a restart: " + not_kept;
}

// It has taken effect: it is written down, then told.
void tell(ControlThread& control, const Wish& wish, uint64_t ended, VerbDone done) {
  control.keep_orders([&control, wish, ended, done = std::move(done)](const std::string& failure) {
    Json answer = {{"user", wish.user}, {"to", wish.order ? target_text(*wish.order) : "auto"}, {"ended", ended}};
    if (wish.order && wish.order->until_s != 0) answer["until_s"] = wish.order->until_s;
    if (std::string note = note_of(control, wish, failure); !note.empty()) answer["note"] = note;
    done(200, answer);
  });
}

// An upgrade may have begun while directories were asked.
void carry_out(ControlThread& control, const Wish& wish, bool kick, VerbDone done) {
  if (std::string why = control.why_not_now(); !why.empty()) return done(409, error("not now: " + why));
  if (!kick) {
    if (!apply(control, wish)) return done(409, error("too many users have an order of their own"));
    return tell(control, wish, 0, std::move(done));
  }
  Mover::Job job;
  job.user = wish.user;
  job.move = [&control, wish] { return apply(control, wish); };
  job.done = [&control, wish, done](const std::string& failure, uint64_t ended) {
    if (!failure.empty()) return done(409, error("he stays where he is: " + failure));
    tell(control, wish, ended, done);
  };
  if (!control.mover().start(std::move(job))) done(409, error("he is being moved already"));
}

Json row_of(ControlThread& control, const std::string& user, const Affinity::Known& known, const std::string& backend,
            const LookupResult& in_directory) {
  auto order = control.ledger().moves.find(user, unix_s());
  auto home = home_of(control, user, in_directory);
  return {{"user", user},
          {"backend", backend},
          {"sessions", known.sessions},
          {"lapses_s", (known.lapses_in_ms + 999) / 1000},
          {"home", home ? home->candidates.front()->name : ""},
          {"order", order ? target_text(*order) : ""}};
}

// Users a stripe at a time, one in each turn of the loop, so that a million of them stop nobody; then those with an
// order of their own whom no session binds anywhere.
struct Listing {
  struct Waiting {
    std::string user, backend;
    Affinity::Known known;
    bool bound = false;
  };
  explicit Listing(ControlThread& thread) : control(thread) {}
  ControlThread& control;
  bool off_home = false;
  std::string backend;
  uint64_t limit = 0;
  VerbDone done;
  std::vector<std::string> names;  // of backends, by slot
  std::vector<Waiting> waiting;    // to be looked up in directories
  Json rows = Json::array();
  size_t stripe = 0;
  bool orders_seen = false;
  uint64_t until_ms = 0;  // directories are asked
};

void add_ordered(Listing& listing) {
  const Affinity& affinity = listing.control.ledger().affinity;
  listing.control.ledger().moves.visit(unix_s(), [&](Bytes user, const Moves::Order& order) {
    bool shown = listing.backend.empty() || listing.backend == order.backend;
    bool full = listing.rows.size() + listing.waiting.size() >= listing.limit;
    if (shown && !full && !affinity.look(user)) listing.waiting.push_back({std::string(user), "", {}, false});
  });
}

// False: there is nobody left.
bool refill(Listing& listing) {
  Affinity& affinity = listing.control.ledger().affinity;
  if (listing.stripe == affinity.stripes()) {
    if (!std::exchange(listing.orders_seen, true)) add_ordered(listing);
    return !listing.waiting.empty();
  }
  affinity.visit(listing.stripe++, [&](Bytes user, const Affinity::Known& known) {
    std::string at = known.backend < listing.names.size() ? listing.names[known.backend] : "";
    if (!listing.backend.empty() && at != listing.backend) return;
    listing.waiting.push_back({std::string(user), std::move(at), known, true});
  });
  return true;
}

void add_row(Listing& listing, const Listing::Waiting& whom, const LookupResult& in_directory) {
  Json row = row_of(listing.control, whom.user, whom.known, whom.backend, in_directory);
  bool at_home = whom.bound && row["home"] == whom.backend;
  if (!listing.off_home || !at_home) listing.rows.push_back(std::move(row));
}

void list_on(const std::shared_ptr<Listing>& listing) {
  const Snapshot& snapshot = *listing->control.running().snapshot;
  while (listing->rows.size() < listing->limit && !listing->waiting.empty()) {
    auto whom = std::move(listing->waiting.back());
    listing->waiting.pop_back();
    if (!snapshot.live.auth.directories.empty()) {
      if (listing->control.loop().now_ms() > listing->until_ms) return listing->done(503, error(kTooLong));
      return listing->control.inquiry().ask(snapshot, whom.user, [listing, whom](const LookupResult& result) {
        if (result.verdict == Verdict::try_later) return listing->done(503, error(kNotNow));
        add_row(*listing, whom, result);
        list_on(listing);
      });
    }
    add_row(*listing, whom, {});
  }
  bool more = listing->rows.size() < listing->limit && refill(*listing);
  if (more) return listing->control.loop().defer([listing] { list_on(listing); });
  listing->done(200, {{"users", listing->rows}});
}

Json json_of(const Flush::Progress& progress) {
  return {{"backend", progress.backend},
          {"to", progress.to},
          {"state", progress.running           ? "running"
                    : progress.backend.empty() ? "none"
                                               : "done"},
          {"users", progress.users},
          {"moved", progress.moved},
          {"failed", progress.failed},
          {"under_way", progress.under_way},
          {"ended", progress.ended},
          {"failures", progress.failures}};
}

// What is asked for, or why not.
Result<Flush::Order> flush_order(ControlThread& control, const Json& parameters) {
  const Snapshot& snapshot = *control.running().snapshot;
  Flush::Order order;
  order.backend = parameters.at("name").get<std::string>();
  order.parallel = parameters.value("max-parallel", kParallel);
  order.per_s = parameters.value("rate", kPerSecond);
  order.max_ms = parameters.value("max", kHoldMs);
  if (order.parallel == 0 || order.parallel > kParallelMax) return fail("max-parallel: from 1 to 1000");
  if (order.per_s == 0) return fail("rate: at least 1");
  if (order.max_ms < 1000 || order.max_ms > kHoldMaxMs) return fail("max: from 1s to 10m");
  if (std::string name = parameters.value("hook", ""); !name.empty()) {
    auto path = hook_path(control.running().config.live.hook_folder, name);
    if (!path) return tl::unexpected(path.error());
    order.hook = *path;
  }
  std::string to = parameters.value("to", "");
  std::optional<Moves::Order> target = beside(snapshot, order.backend);
  if (!to.empty()) {
    auto named = target_of(snapshot.live, to, "");
    if (!named) return tl::unexpected(named.error());
    target = *named;
  }
  if (target && target->backend == order.backend) return fail("to: its users are there already");
  if (!target) return fail("no other backend of its shard serves: say where, by --to");
  auto until_s = until_of(parameters);
  if (!until_s) return tl::unexpected(until_s.error());
  order.target = *target;
  order.target.until_s = *until_s;
  order.target.lasts = true;
  order.moves = !to.empty() || !order.hook.empty();
  return order;
}

}  // namespace

void move(ControlThread& control, const Json& parameters, const std::string&, VerbDone done) {
  auto user = user_of(control, parameters, done);
  if (!user) return;
  Wish wish{*user, std::nullopt};
  std::string to = parameters.at("to");
  bool timed = parameters.contains("for"), permanent = parameters.value("permanent", false);
  bool kick = parameters.value("kick", false);
  if (timed && permanent) return done(422, error("either --for or --permanent"));
  if (to == "auto" && (timed || permanent)) return done(422, error("auto takes an order back: it needs no time"));
  if (to == "auto") return carry_out(control, wish, kick, std::move(done));
  auto until_s = until_of(parameters);
  if (!until_s) return done(422, error(until_s.error().message));
  // Where several pools have a shard of that name, that of the pool which he lives in.
  auto ask = [&control, wish, to, kick, until_s = *until_s, lasts = timed || permanent,
              done](const LookupResult& in_directory) mutable {
    auto home = home_of(control, wish.user, in_directory);
    auto target = target_of(control.running().snapshot->live, to, home ? home->pool : "");
    if (!target) return done(404, error(target.error().message));
    wish.order = *target;
    wish.order->until_s = until_s;
    wish.order->lasts = lasts;
    carry_out(control, wish, kick, std::move(done));
  };
  if (control.running().snapshot->live.auth.directories.empty()) return ask({});
  control.inquiry().ask(*control.running().snapshot, wish.user, std::move(ask));
}

void hold(ControlThread& control, const Json& parameters, const std::string&, VerbDone done) {
  auto user = user_of(control, parameters, done);
  if (!user) return;
  uint64_t max_ms = parameters.value("max", kHoldMs);
  if (max_ms == 0 || max_ms > kHoldMaxMs) return done(422, error("max: up to 10m"));
  if (!control.ledger().holds.hold(*user, Holds::By::operators, control.loop().now_ms() + max_ms)) {
    return done(409, error("too many users are on hold"));
  }
  done(200, {{"user", *user}, {"seconds", (max_ms + 999) / 1000}});
}

void release(ControlThread& control, const Json& parameters, const std::string&, VerbDone done) {
  auto user = user_of(control, parameters, done);
  if (!user) return;
  done(200, {{"user", *user}, {"released", control.ledger().holds.release(*user, Holds::By::operators)}});
}

void users(ControlThread& control, const Json& parameters, const std::string&, VerbDone done) {
  auto listing = std::make_shared<Listing>(control);
  listing->off_home = parameters.value("off-home", false);
  listing->backend = parameters.value("backend", "");
  listing->limit = parameters.value("limit", kRowsShown);
  listing->done = std::move(done);
  listing->until_ms = control.loop().now_ms() + kListingMs;
  for (const BackendState* backend : control.fleet().all_backends()) listing->names.push_back(backend->name);
  list_on(listing);
}

void flush(ControlThread& control, const Json& parameters, const std::string&, VerbDone done) {
  Flush& flush = control.flush();
  if (parameters.value("stop", false)) {
    if (parameters.value("name", flush.progress().backend) != flush.progress().backend) {
      return done(409, error("that backend is not being emptied: `ctl flush` shows which is"));
    }
    flush.stop();
    return done(200, json_of(flush.progress()));
  }
  if (!parameters.contains("name")) return done(200, json_of(flush.progress()));
  if (std::string why = control.why_not_now(); !why.empty()) return done(409, error("not now: " + why));
  if (flush.running()) return done(409, error("another flush is under way: `ctl flush` shows it, --stop ends it"));
  std::string name = parameters.at("name");
  const Backend* backend = control.running().snapshot->find_backend(name);
  if (backend == nullptr) return done(404, error("there is no backend \"" + name + "\""));
  auto order = flush_order(control, parameters);
  if (!order) return done(409, error(order.error().message));
  // Who follows the drain needs one; who gets an order of his own must be able to stay if he cannot be moved.
  bool drains = !order->moves && takes_logins(backend->state->wanted);
  if (drains) control.orders().set(*backend->state, Wanted::drain);
  flush.start(std::move(*order), [&control, done = std::move(done)] {
    control.keep_orders([&control, done](const std::string&) { done(200, json_of(control.flush().progress())); });
  });
}

}  // namespace postigo
