// Not here: how many are wanted (backends/balance/ready_plan), what may be (backends/balance/places).
#include "tests/sim/ready.h"

#include <algorithm>

namespace postigo::sim {
namespace {

constexpr uint64_t kReadyTickMs = 1'000;
constexpr uint64_t kHopelessMs = 10'000;  // backend_login_timeout

}  // namespace

Ready::Ready(Story& story, World& world, Door& door) : story_(story), world_(world), door_(door) {
  door_.on_reload = [this] { exchanged(); };
}

// Its backend has been well ever since.
bool Ready::lasts(const Line& line, const Entry& entry) { return line.at->is_well_since(entry.since_ms); }

size_t Ready::count(const Server& at) const {
  size_t sum = 0;
  for (size_t worker = 0; worker < kWorkers; ++worker) {
    auto found = lines_.find({worker, &at});
    sum += found == lines_.end() ? 0 : found->second.entries.size();
  }
  return sum;
}

bool Ready::take(size_t worker, Server& at) {
  if (world_.terms_of(at).ready.max == 0) return false;
  const Name name{worker, &at};
  Line& line = lines_[name];
  line.at = &at;
  line.plan.login(story_.now_ms());
  line.last_login_ms = story_.now_ms();
  if (!std::exchange(line.ticks, true)) story_.time.in(kReadyTickMs, [this, name] { tick(name); });
  bool found = false;
  while (!found) {
    auto parked = std::find_if(line.entries.begin(), line.entries.end(), [](const Entry& each) { return each.parked; });
    if (parked == line.entries.end()) break;
    found = lasts(line, *parked);
    line.entries.erase(parked);
    found ? line.plan.proved() : fail(line);
    if (found) line.in_a_row = 0;
  }
  if (found) ++story_.count(Count::ready_used);
  fill(name, line);
  return found;
}

void Ready::fail(Line& line) {
  ++story_.count(Count::ready_lost);
  line.plan.failed(story_.now_ms());
  line.failed_ms = story_.now_ms();
  ++line.in_a_row;
}

void Ready::exchanged() {
  for (auto& [name, line] : lines_) line.entries.clear();
  lines_.clear();
}

void Ready::tick(const Name& name) {
  auto found = lines_.find(name);
  if (found == lines_.end()) return;
  Line& line = found->second;
  tend(line);
  fill(name, line);
  // One that was renewed just before nobody was expected any more has its time.
  const config::Ready& terms = world_.terms_of(*line.at).ready;
  const bool idle = story_.now_ms() >= line.last_login_ms + 2 * terms.idle_ms + kHopelessMs + 2 * kReadyTickMs;
  if (idle && line.entries.size() > terms.min) story_.wrong("connections are ready where nobody comes");
  if (idle) {  // else the least would be renewed for ever
    line.ticks = false;
    return;
  }
  story_.time.in(kReadyTickMs, [this, name] { tick(name); });
}

void Ready::tend(Line& line) {
  const bool shut = line.at->belief->health.down() || !takes_logins(line.at->wanted);
  if (shut) return line.entries.clear();
  const uint64_t now_ms = story_.now_ms(), idle_ms = world_.terms_of(*line.at).ready.idle_ms;
  std::erase_if(line.entries, [&](const Entry& each) {
    const bool broken = each.parked && !lasts(line, each), over = each.parked && now_ms >= each.since_ms + idle_ms;
    if (broken) {
      fail(line);
    } else if (over) {
      line.plan.proved();
      line.in_a_row = 0;
    }
    return broken || over;
  });
}

void Ready::fill(const Name& name, Line& line) {
  const uint64_t now_ms = story_.now_ms();
  if (!line.at->belief->health.calm() || !takes_logins(line.at->wanted)) return;
  const config::Ready& terms = world_.terms_of(*line.at).ready;
  const size_t wanted = line.plan.wanted({terms.max, terms.idle_ms}, now_ms);
  while (line.entries.size() < wanted && line.plan.may_begin(now_ms) && begin(name, line, terms.max)) {
  }
  if (line.plan.may_begin(now_ms)) begin(name, line, terms.min);
}

bool Ready::begin(const Name& name, Line& line, uint64_t most) {
  if (!door_.places.has_place(line.at->room)) return false;
  Places::ReadySeat seat = door_.places.take_ready(line.at->room, 0, most);
  if (!seat) return false;
  const uint64_t now_ms = story_.now_ms();
  // A second, and twice as long each time, up to a minute.
  const uint64_t rest_ms =
      line.in_a_row == 0 ? 0 : std::min<uint64_t>(60'000, 1'000ULL << std::min<uint64_t>(line.in_a_row - 1, 6));
  if (now_ms < line.failed_ms + rest_ms) story_.wrong("connections are made again and again, and do not last");
  line.entries.push_back({++numbers_, now_ms, false, std::move(seat)});
  if (count(*line.at) > most) story_.wrong("more connections are ready at " + line.at->name + " than may be");
  const bool silent = line.at->truth == Truth::silent;
  story_.time.in(silent ? kHopelessMs : 1 + story_.roll(20), [this, name, number = numbers_] { made(name, number); });
  return true;
}

void Ready::made(const Name& name, uint64_t number) {
  auto found = lines_.find(name);
  if (found == lines_.end()) return;
  Line& line = found->second;
  auto entry =
      std::find_if(line.entries.begin(), line.entries.end(), [&](const Entry& each) { return each.number == number; });
  if (entry == line.entries.end()) return;
  const uint64_t now_ms = story_.now_ms();
  if (line.at->truth != Truth::well || now_ms - entry->since_ms >= kHopelessMs) {
    line.entries.erase(entry);
    return fail(line);
  }
  ++story_.count(Count::ready_made);
  line.plan.made(now_ms - entry->since_ms);
  entry->since_ms = now_ms;
  entry->parked = true;
}

void Ready::check_bounds() {
  size_t all = 0;
  for (const auto& server : world_.servers()) {
    const size_t here = count(*server);
    all += here;
    if (here > world_.terms_of(*server).ready.max) story_.wrong("too many are ready at " + server->name);
    if (ready_at(server->room) != static_cast<int64_t>(here)) story_.wrong("ready ones of nobody at " + server->name);
  }
  if (static_cast<int64_t>(all) > door_.places.ready_max()) story_.wrong("more connections are ready than may be");
}

// Nobody has come for long.
void Ready::check_end() {
  for (auto& [name, line] : lines_) {
    if (line.entries.size() > world_.terms_of(*name.second).ready.min) story_.wrong("connections for nobody");
  }
  exchanged();
  check_bounds();
}

}  // namespace postigo::sim
