// Not here: what a bond or a seat is (backends/ledger), how they are asked (predecessors.cc).
#include "proxy/control/mirror.h"

#include <nlohmann/json.hpp>

#include "proxy/control/control_thread.h"

namespace postigo {
namespace {

constexpr uint64_t kFirstMs = 50, kLaterMs = 150;  // each: one stripe

struct Held {
  NameMap<Affinity::Slot> users;
  SeatTable::Counts seats;
};

// Throws what JSON throws.
void read(ControlThread& control, const Json& body, Held& held) {
  for (const Json& row : body.at("users")) {
    auto state = control.fleet().backend(row.at(1).get<std::string>());
    if (state) held.users[row.at(0).get<std::string>()] = static_cast<Affinity::Slot>((*state)->slot);
  }
  for (const Json& row : body.at("seats")) {
    const auto& name = row.at(0).get_binary();
    held.seats.emplace_back(std::string(name.begin(), name.end()), row.at(1).get<uint32_t>());
  }
}

}  // namespace

Mirror::Mirror(ControlThread& control)
    : control_(control), timer_([](void* self) { static_cast<Mirror*>(self)->next(); }, this) {}

void Mirror::start() {
  if (control_.predecessors().size() == 0) return;
  left_ = control_.ledger().affinity.stripes();
  control_.loop().timers().arm(timer_, 0);
}

void Mirror::close() {
  closed_ = true;
  timer_.cancel();
}

void Mirror::next() {
  moves_ = control_.mover().started();
  const bool any = control_.predecessors().size() > 0;
  control_.predecessors().ask("held", {{"stripe", stripe_}}, [this, any](const Predecessors::Answers& answers) {
    if (closed_) return;
    take(answers, any);
    left_ = any ? control_.ledger().affinity.stripes() : left_ - 1;
    if (left_ > 0) control_.loop().timers().arm(timer_, any && rounds_ > 0 ? kLaterMs : kFirstMs);
  });
}

// What was said of somebody who was moved meanwhile is not true any more, and half of an answer never is: then what is
// known stands until the next round. Where nobody is left to say anything, nobody is held, whoever is being moved.
void Mirror::take(const Predecessors::Answers& answers, bool may_be_stale) {
  Held held;
  bool whole = answers.missing.empty();
  try {
    for (const Predecessors::Answer& each : answers.given) read(control_, each.body, held);
  } catch (const Json::exception&) {
    whole = false;
  }
  const bool moved = control_.mover().under_way() > 0 || control_.mover().started() != moves_;
  if (whole && !(may_be_stale && moved)) {
    control_.ledger().affinity.mirror(stripe_, held.users, longest_lapse_ms(control_.running().config.live));
  }
  if (whole) control_.seats().mirror(stripe_, held.seats);
  stripe_ = (stripe_ + 1) % control_.ledger().affinity.stripes();
  if (stripe_ == 0) ++rounds_;
}

void held_here(ControlThread& control, const Json& parameters, const std::string&, VerbDone done) {
  const size_t stripe = parameters.at("stripe").get<size_t>();
  Affinity& affinity = control.ledger().affinity;
  if (stripe >= affinity.stripes()) return done(422, {{"error", "it has fewer stripes"}});
  const auto backends = control.fleet().all_backends();
  Json users = Json::array(), seats = Json::array();
  affinity.visit(stripe, [&](Bytes user, const Affinity::Known& known) {
    if (known.sessions > 0 && known.backend < backends.size()) users.push_back({user, backends[known.backend]->name});
  });
  for (const auto& [name, count] : control.seats().counts(stripe)) {
    seats.push_back({Json::binary({name.begin(), name.end()}), count});
  }
  done(200, {{"users", std::move(users)}, {"seats", std::move(seats)}});
}

}  // namespace postigo
