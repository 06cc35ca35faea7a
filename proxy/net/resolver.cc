// What is known of each name, for how long, and who waits for it. Not here: how a name server is asked (dns.cc).
#include "proxy/net/resolver.h"

#include <algorithm>

namespace postigo {
namespace {

// Who asks for a name whose last answer is long over waits so long for a new one (RFC 8767 5: less than 2 seconds).
constexpr uint64_t kPatienceMs = 1'000;

}  // namespace

struct Resolver::Waiting : Ticket::Operation {
  explicit Waiting(std::function<void(Answer)> call) : then(std::move(call)) {}
  void cancel() override { then = nullptr; }
  void tell(const Answer& answer) {
    if (auto call = std::exchange(then, nullptr)) call(answer);
  }
  std::function<void(Answer)> then;
};

struct Resolver::Name {
  explicit Name(std::string name)
      : host(std::move(name)), patience([](void* me) { static_cast<Name*>(me)->tell(); }, this) {}

  Answer answer() const {
    if (!addresses.empty()) return addresses;
    return fail("cannot resolve " + host + ": " + why);
  }
  // To all who wait. They may ask for other names meanwhile, and this one may be forgotten.
  void tell() {
    Answer what = answer();
    for (auto& each : std::exchange(waiting, {})) each->tell(what);
  }

  std::string host;
  std::vector<Address> addresses;  // the last good answer, as long as it may serve
  std::string why;                 // there is none
  uint64_t ask_at_ms = 0;          // what we have is good until then
  uint64_t refresh_until_ms = 0;   // and serves at once until then
  uint64_t stale_until_ms = 0;
  bool asking = false;
  Ticket question;
  std::vector<std::shared_ptr<Waiting>> waiting;
  Timer patience;  // of those who could be told something old
};

Resolver::Resolver(Loop& loop, const config::Resolver& settings)
    : loop_(loop), settings_(settings), dns_(loop, settings) {}
Resolver::~Resolver() = default;

Resolver::Name* Resolver::find(const std::string& host) {
  auto found = names_.find(host);
  if (found != names_.end()) return found->second.get();
  std::optional<Address> literal = Address::parse(host, 0);
  Name* name = literal ? find_or_add(host) : nullptr;
  if (name != nullptr && name->addresses.empty()) {
    name->addresses = {*literal};
    name->ask_at_ms = UINT64_MAX;
  }
  return name;
}

// Null if there are too many names in question.
Resolver::Name* Resolver::find_or_add(const std::string& host) {
  auto found = names_.find(host);
  if (found != names_.end()) return found->second.get();
  if (names_.size() >= kNamesMax) std::erase_if(names_, [](const auto& each) { return !each.second->asking; });
  if (names_.size() >= kNamesMax) return nullptr;
  return (names_[host] = std::make_unique<Name>(host)).get();
}

// Whether what is known of it will do now: an answer, or a failure a moment ago. Asks anew if its time is over.
bool Resolver::serves(Name& name) {
  uint64_t now_ms = loop_.now_ms();
  if (now_ms < name.ask_at_ms) return true;
  if (now_ms >= name.stale_until_ms) name.addresses.clear();
  ask(name);
  return !name.addresses.empty() && now_ms < name.refresh_until_ms;
}

const std::vector<Address>* Resolver::known(const std::string& host) {
  Name* name = find(host);
  return name != nullptr && serves(*name) && !name->addresses.empty() ? &name->addresses : nullptr;
}

Ticket Resolver::resolve(const std::string& host, std::function<void(Answer)> then) {
  auto asker = std::make_shared<Waiting>(std::move(then));
  Name* name = find(host);
  if (name == nullptr) name = find_or_add(host);
  if (name == nullptr || serves(*name)) {
    Answer answer = name != nullptr ? name->answer() : fail("cannot resolve " + host + ": too many names in question");
    loop_.defer([asker, answer = std::move(answer)] { asker->tell(answer); });
  } else {
    name->waiting.push_back(asker);
    if (!name->addresses.empty() && !name->patience.armed()) loop_.timers().arm(name->patience, kPatienceMs);
  }
  return Ticket(asker);
}

void Resolver::ask(Name& name) {
  if (std::exchange(name.asking, true)) return;
  name.question = dns_.ask(name.host, [this, &name](Dns::Answer answer) { answered(name, std::move(answer)); });
}

void Resolver::answered(Name& name, Dns::Answer answer) {
  uint64_t now_ms = loop_.now_ms();
  name.asking = false;
  name.patience.cancel();
  if (!answer.addresses.empty()) {
    name.addresses = std::move(answer.addresses);
    name.ask_at_ms = now_ms + std::clamp(answer.ttl_ms, settings_.ttl_min_ms, settings_.ttl_max_ms);
    name.refresh_until_ms = name.ask_at_ms + std::min(settings_.refresh_ttl_ms, settings_.stale_ttl_ms);
    name.stale_until_ms = name.ask_at_ms + settings_.stale_ttl_ms;
  } else {
    name.why = std::move(answer.why);
    name.ask_at_ms = now_ms + settings_.failure_ttl_ms;
    if (now_ms >= name.stale_until_ms) name.addresses.clear();
  }
  name.tell();
}

}  // namespace postigo
