// As proxy/session/gate asks the penalties. Not here: users who log in at backends (logins.cc).
#include "tests/sim/guessers.h"

#include <algorithm>
#include <utility>

#include "config/config.h"

namespace postigo::sim {
namespace {

constexpr size_t kPeople = 60;
constexpr unsigned kPlaces = 4;
constexpr uint64_t kHashMs = 40;
constexpr uint64_t kAttackMs = 10 * 60'000;

config::Penalty draw_settings(Story& story) {
  config::Penalty settings;
  settings.free = 5 + static_cast<unsigned>(story.roll(10));
  settings.ipv4_wide = story.one_in(2) ? 24 : 0;
  return settings;
}

config::AnyAddress v4(uint64_t network, uint64_t host) {
  return {0,
          0,
          0,
          0,
          0,
          0,
          0,
          0,
          0,
          0,
          0xff,
          0xff,
          static_cast<uint8_t>(network >> 16),
          static_cast<uint8_t>(network >> 8),
          static_cast<uint8_t>(network),
          static_cast<uint8_t>(host)};
}

config::AnyAddress v6(uint64_t site, uint64_t subnet) {
  return {0x2a,
          0,
          static_cast<uint8_t>(site >> 16),
          static_cast<uint8_t>(site >> 8),
          static_cast<uint8_t>(site),
          0,
          static_cast<uint8_t>(subnet >> 8),
          static_cast<uint8_t>(subnet),
          0,
          0,
          0,
          0,
          0,
          0,
          0,
          1};
}

}  // namespace

Guessers::Guessers(Story& story)
    : story_(story),
      tight_(story.one_in(4)),
      rules_(penalty_rules(draw_settings(story))),
      penalties_(tight_ ? 1'024 : 20'000, {story.random(), 3}) {
  for (size_t i = 0; i < kPeople; ++i) people_.push_back({"p" + std::to_string(i), fresh_address()});
}

// Of nobody else: each in a network of its own.
config::AnyAddress Guessers::fresh_address() {
  const uint64_t number = 0x500000 + 257 * ++fresh_;
  return story_.one_in(3) ? v6(number, 1) : v4(number, 7);
}

void Guessers::schedule() {
  const uint64_t length_ms = story_.length_ms();
  for (int i = 0; i < 4; ++i) story_.time.in(length_ms / 20 + story_.roll(length_ms), [this] { draw_attack(); });
  for (Person& person : people_) {
    for (uint64_t at_ms = story_.roll(60'000); at_ms < length_ms; at_ms += 30'000 + story_.roll(600'000)) {
      story_.time.in(at_ms, [this, &person, abroad = story_.one_in(6)] { log_in(person, abroad); });
    }
  }
}

void Guessers::draw_attack() {
  auto attack = std::make_shared<Attack>();
  const uint64_t network = 0x200000 + story_.roll(0x10000), kind = story_.roll(4);
  const size_t many = kind == 0 ? 1 : kind == 1 ? 300 : 20;
  for (size_t i = 0; i < many; ++i) {
    attack->from.push_back(kind == 2 ? v6(network, i) : v4(network + i / 50, 1 + i % 50));
  }
  // Also from where a good user is at home; but not at him there, whom nothing distinguishes then.
  const size_t neighbour = story_.roll(kPeople);
  if (kind == 3) attack->from = {people_[neighbour].home};
  if (story_.one_in(2)) attack->victim = people_[(neighbour + 1 + story_.roll(kPeople - 1)) % kPeople].name;
  if (story_.one_in(2)) attack->own_account = "mallory" + std::to_string(network);
  attackers_.insert(attackers_.end(), attack->from.begin(), attack->from.end());
  if (!attack->victim.empty()) victims_.push_back(attack->victim);
  attack->patient = story_.one_in(2);
  attack->began_ms = story_.now_ms();
  attack->every_ms = 300 + story_.roll(2'000);
  for (uint64_t at_ms = 0; at_ms < kAttackMs; at_ms += 1 + story_.roll(2 * attack->every_ms)) {
    const uint64_t parallel = story_.one_in(20) ? (story_.one_in(3) ? 150 : 40) : 1;
    const auto& from = attack->from[story_.roll(attack->from.size())];
    std::string user = !attack->victim.empty() ? attack->victim : "g" + std::to_string(story_.roll(10'000));
    if (!attack->own_account.empty() && story_.one_in(5)) user = attack->own_account;
    for (uint64_t i = 0; i < parallel; ++i) {
      story_.time.in(at_ms + i, [this, attack, from, user] { guess(attack, from, user, rules_.address.max_ms); });
    }
  }
  story_.time.in(kAttackMs + 60'000, [this, attack] { end(attack); });
}

void Guessers::guess(const AttackPtr& attack, const config::AnyAddress& from, const std::string& user,
                     uint64_t patience_ms) {
  auto attempt = penalties_.begin(rules_, {from, user}, story_.now_ms());
  using Turn = decltype(attempt.turn);
  if (attempt.turn == Turn::again && attempt.wait_ms < patience_ms) {
    return story_.time.in(attempt.wait_ms, [this, attack, from, user, left_ms = patience_ms - attempt.wait_ms] {
      guess(attack, from, user, left_ms);
    });
  }
  ++story_.count(attempt.turn == Turn::go ? Count::guesses : Count::guesses_refused);
  if (attempt.turn != Turn::go) return;
  if (attempt.wait_ms > rules_.address.max_ms) story_.wrong("a guesser waits longer than may be");
  // Some leave before they are answered, which makes it no cheaper.
  const bool leaves = !attack->patient && story_.one_in(4);
  if (leaves) {
    return story_.time.in(story_.roll(attempt.wait_ms + 1),
                          [this, attack, from, user, attempt] { answer(attack, from, user, attempt); });
  }
  story_.time.in(attempt.wait_ms, [this, attack, from, user, attempt] { be_judged(attack, from, user, attempt); });
}

// However many connections an address has (A23): as many guesses of it are looked at in one moment as may be, and those
// that stand behind them come one by one.
void Guessers::be_judged(const AttackPtr& attack, const config::AnyAddress& from, const std::string& user,
                         const Penalties::Attempt& attempt) {
  constexpr unsigned kBehind = 4;
  const bool guess = user != attack->own_account;
  if (guess && ++judged_[from] > static_cast<unsigned>(rules_.address.parallel) + kBehind && !tight_) {
    story_.wrong(std::to_string(judged_[from]) + " guesses of one address are looked at together");
  }
  story_.time.in(kHashMs, [this, attack, from, user, attempt, guess] {
    if (guess && --judged_[from] == 0) judged_.erase(from);
    answer(attack, from, user, attempt);
  });
}

void Guessers::answer(const AttackPtr& attack, const config::AnyAddress& from, const std::string& user,
                      const Penalties::Attempt& attempt) {
  const uint64_t now_ms = story_.now_ms();
  if (user == attack->own_account) return penalties_.succeeded(rules_, {from, user}, attempt, now_ms);
  ++attack->answered;
  penalties_.failed(rules_, {from, user}, attempt, "guess" + std::to_string(++guesses_), now_ms);
}

// From one address: those without consequences, as many as may be under way at once, a few while the delay doubles,
// and then one in each longest delay. From each network as many as from so many addresses.
void Guessers::end(const AttackPtr& attack) {
  if (tight_) return;
  const uint64_t passed_ms = story_.now_ms() - attack->began_ms;
  const double each = rules_.address.free + rules_.address.parallel + 8 +
                      static_cast<double>(passed_ms) / static_cast<double>(rules_.address.max_ms);
  const double most = each * static_cast<double>(attack->from.size()) * 1.25;
  if (static_cast<double>(attack->answered) > most) {
    story_.wrong("a guesser at " + std::to_string(attack->from.size()) + " addresses got " +
                 std::to_string(attack->answered) + " answers");
  }
}

void Guessers::log_in(Person& person, bool abroad) {
  ++story_.count(Count::good_logins);
  const config::AnyAddress from = abroad ? fresh_address() : person.home;
  auto attempt = penalties_.begin(rules_, {from, person.name}, story_.now_ms());
  check_good(person, abroad, attempt);
  using Turn = decltype(attempt.turn);
  if (attempt.turn != Turn::go) return;
  if (attempt.wait_ms > 0) ++story_.count(Count::good_waits);
  bool slips = story_.one_in(10) && person.slips < 2, outage = story_.one_in(30);
  person.slips = slips ? person.slips + 1 : 0;
  story_.time.in(attempt.wait_ms + kHashMs, [this, &person, abroad, from, attempt, slips, outage] {
    const Guest guest{from, person.name};
    const uint64_t now_ms = story_.now_ms();
    if (outage) return penalties_.taken_back(rules_, guest, attempt, now_ms);
    if (slips) return penalties_.failed(rules_, guest, attempt, "slip" + std::to_string(person.slips), now_ms);
    penalties_.succeeded(rules_, guest, attempt, now_ms);
    person.abroad = abroad ? person.abroad + 1 : 0;
    // Of each user so many addresses are kept.
    if (!abroad || person.abroad >= kPlaces) person.known = !abroad;
  });
}

void Guessers::check_good(const Person& person, bool abroad, const Penalties::Attempt& attempt) {
  using Turn = Penalties::Attempt::Turn;
  if (attempt.told_ms > rules_.address.max_ms) story_.wrong("a refusal would be told too late");
  if (!abroad && person.known) {
    if (attempt.turn != Turn::go || attempt.wait_ms > 0) story_.wrong(person.name + " is known, and is held back");
    return;
  }
  bool among_them = std::find(attackers_.begin(), attackers_.end(), person.home) != attackers_.end();
  if (tight_ || (!abroad && among_them)) return;
  if (attempt.turn != Turn::go) story_.wrong(person.name + " is refused for what others do");
  bool victim = std::find(victims_.begin(), victims_.end(), person.name) != victims_.end();
  const uint64_t most_ms = victim ? rules_.user.max_ms : 0;
  if (attempt.wait_ms > most_ms) story_.wrong(person.name + " waits for what others do");
}

void Guessers::check_bounds() {
  if (penalties_.size() > penalties_.entries_max()) story_.wrong("more is kept of guessers than may be");
  story_.numbers.most_guessers = std::max<uint64_t>(story_.numbers.most_guessers, penalties_.size());
}

void Guessers::check_end() {
  const uint64_t now_ms = story_.now_ms();
  for (const Person& person : people_) {
    auto attempt = penalties_.begin(rules_, {person.home, person.name}, now_ms);
    if (attempt.turn != Penalties::Attempt::Turn::go || attempt.wait_ms > 0)
      story_.wrong(person.name + " is locked out");
    penalties_.taken_back(rules_, {person.home, person.name}, attempt, now_ms);
  }
  if (!penalties_.list(rules_, 1, now_ms).empty() || penalties_.size() != 0) story_.wrong("guessers are not forgotten");
}

}  // namespace postigo::sim
