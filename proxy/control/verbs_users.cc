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

constexpr uint64_t kHoldMs = 60'000;
constexpr uint64_t kHoldMaxMs = 10 * 60'000;
constexpr uint64_t kParallel = 10, kParallelMax = 1000, kPerSecond = 100;

Json error(const std::string& text) { return {{"error", text}}; }

uint64_t unix_s() { return static_cast<uint64_t>(std::time(nullptr)); }

std::string user_of(ControlThread& control, const Json& parameters) {
  return control.running().snapshot->router->normalise(parameters.at("user").get<std::string>());
}

// Where rules and hashes send him; directories are not asked.
Result<Route> home_of(ControlThread& control, const std::string& user) {
  Identity identity;
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

Json row_of(ControlThread& control, const std::string& user, const Affinity::Known& known, const std::string& backend) {
  auto order = control.ledger().moves.find(user, unix_s());
  auto home = home_of(control, user);
  return {{"user", user},
          {"backend", backend},
          {"sessions", known.sessions},
          {"lapses_s", (known.lapses_in_ms + 999) / 1000},
          {"home", home ? home->candidates.front()->name : ""},
          {"order", order ? target_text(*order) : ""}};
}

// Users a stripe at a time, one in each turn of the loop, so that a million of them stop nobody.
struct Listing {
  explicit Listing(ControlThread& thread) : control(thread) {}
  ControlThread& control;
  bool off_home = false;
  std::string backend;
  uint64_t limit = 0;
  VerbDone done;
  std::vector<std::string> names;  // of backends, by slot
  Json rows = Json::array();
  size_t stripe = 0;
};

// Those with an order of their own whom no session binds anywhere.
void list_ordered(Listing& listing) {
  std::vector<std::string> users;
  listing.control.ledger().moves.visit(unix_s(), [&](Bytes user, const Moves::Order& order) {
    bool shown = listing.backend.empty() || listing.backend == order.backend;
    bool full = listing.rows.size() + users.size() >= listing.limit;
    if (shown && !full && !listing.control.ledger().affinity.look(user)) users.emplace_back(user);
  });
  for (const std::string& user : users) listing.rows.push_back(row_of(listing.control, user, {}, ""));
}

void list_stripe(const std::shared_ptr<Listing>& listing) {
  Affinity& affinity = listing->control.ledger().affinity;
  std::vector<std::pair<std::string, Affinity::Known>> users;
  affinity.visit(listing->stripe, [&](Bytes user, const Affinity::Known& known) { users.emplace_back(user, known); });
  for (const auto& [user, known] : users) {
    if (listing->rows.size() >= listing->limit) break;
    std::string at = known.backend < listing->names.size() ? listing->names[known.backend] : "";
    if (!listing->backend.empty() && at != listing->backend) continue;
    Json row = row_of(listing->control, user, known, at);
    if (!listing->off_home || row["home"] != at) listing->rows.push_back(std::move(row));
  }
  if (++listing->stripe < affinity.stripes() && listing->rows.size() < listing->limit) {
    return listing->control.loop().defer([listing] { list_stripe(listing); });
  }
  list_ordered(*listing);
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
  Wish wish{user_of(control, parameters), std::nullopt};
  std::string to = parameters.at("to");
  bool timed = parameters.contains("for"), permanent = parameters.value("permanent", false);
  if (timed && permanent) return done(422, error("either --for or --permanent"));
  if (to == "auto" && (timed || permanent)) return done(422, error("auto takes an order back: it needs no time"));
  if (to != "auto") {
    auto home = home_of(control, wish.user);
    auto target = target_of(control.running().config.live, to, home ? home->pool : "");
    if (!target) return done(404, error(target.error().message));
    wish.order = *target;
    auto until_s = until_of(parameters);
    if (!until_s) return done(422, error(until_s.error().message));
    wish.order->until_s = *until_s;
    wish.order->lasts = timed || permanent;
  }
  if (!parameters.value("kick", false)) {
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

void hold(ControlThread& control, const Json& parameters, const std::string&, VerbDone done) {
  std::string user = user_of(control, parameters);
  uint64_t max_ms = parameters.value("max", kHoldMs);
  if (max_ms == 0 || max_ms > kHoldMaxMs) return done(422, error("max: up to 10m"));
  if (!control.ledger().holds.hold(user, Holds::By::operators, control.loop().now_ms() + max_ms)) {
    return done(409, error("too many users are on hold"));
  }
  done(200, {{"user", user}, {"seconds", (max_ms + 999) / 1000}});
}

void release(ControlThread& control, const Json& parameters, const std::string&, VerbDone done) {
  std::string user = user_of(control, parameters);
  done(200, {{"user", user}, {"released", control.ledger().holds.release(user, Holds::By::operators)}});
}

void users(ControlThread& control, const Json& parameters, const std::string&, VerbDone done) {
  auto listing = std::make_shared<Listing>(control);
  listing->off_home = parameters.value("off-home", false);
  listing->backend = parameters.value("backend", "");
  listing->limit = parameters.value("limit", kRowsShown);
  listing->done = std::move(done);
  for (const BackendState* backend : control.fleet().all_backends()) listing->names.push_back(backend->name);
  list_stripe(listing);
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
