// When services are asked about, and what is told of it. Not here: the questions (net/dns.cc), what becomes of the
// answers (config/srv.cc, exchange.cc).
#include "proxy/control/discovery.h"

#include <algorithm>
#include <utility>

#include "proxy/base/events.h"

namespace postigo {
namespace {

constexpr uint64_t kLookMs = 100;
constexpr uint64_t kPatienceMs = 5'000;

}  // namespace

Discovery::Discovery(Loop& loop, SrvBook& book, std::function<void()> changed)
    : loop_(loop),
      book_(book),
      changed_(std::move(changed)),
      look_([](void* self) { static_cast<Discovery*>(self)->look(); }, this) {}

void Discovery::use(const config::Live& live, std::shared_ptr<const config::SrvRecords> records) {
  const std::vector<std::string> names = config::srv_names(live);
  in_effect_ = book_.keep(names, std::move(records));
  if (dns_ == nullptr || live.resolver != settings_) {
    for (auto& [name, service] : services_) service = {};
    dns_ = std::make_unique<Dns>(loop_, live.resolver);
    settings_ = live.resolver;
  }
  std::map<std::string, Service> services;
  for (const std::string& name : names) {
    auto known = services_.extract(name);
    known.empty() ? void(services.try_emplace(name)) : void(services.insert(std::move(known)));
  }
  services_ = std::move(services);
  if (services_.empty()) return look_.cancel();
  look();
}

void Discovery::close() {
  look_.cancel();
  services_.clear();
  dns_.reset();
}

void Discovery::look() {
  const uint64_t now_ms = loop_.now_ms();
  uint64_t next_ms = now_ms + settings_.ttl_max_ms;
  for (auto& [name, service] : services_) {
    if (!service.asking && now_ms >= service.next_ms) ask(name, service);
    if (!service.asking) next_ms = std::min(next_ms, service.next_ms);
  }
  if (book_.get() != in_effect_) {  // a configuration cannot take effect at any time
    next_ms = std::min(next_ms, now_ms + settings_.failure_ttl_ms);
    changed_();
  }
  loop_.timers().arm(look_, std::max(next_ms - now_ms, kLookMs));
}

void Discovery::ask(const std::string& name, Service& service) {
  service.asking = true;
  service.question =
      dns_->ask_srv(name, [this, &name, &service](Dns::Answer answer) { answered(name, service, std::move(answer)); });
}

void Discovery::answered(const std::string& name, Service& service, Dns::Answer answer) {
  service.asking = false;
  if (answer.targets.empty()) {
    service.next_ms = loop_.now_ms() + settings_.failure_ttl_ms;
    if (!std::exchange(service.failed, true)) {
      log::write(events::srv_failed, {{"service", name}, {"detail", answer.why}});
    }
    return look();
  }
  service.failed = false;
  service.next_ms = loop_.now_ms() + std::clamp(answer.ttl_ms, settings_.ttl_min_ms, settings_.ttl_max_ms);
  const size_t targets = answer.targets.size();
  if (book_.put(name, std::move(answer.targets))) {
    log::write(events::srv_changed, {{"service", name}, {"targets", targets}});
  }
  look();
}

void discover(const config::Live& live, SrvBook& book) {
  auto known = book.get();
  std::vector<std::string> names = config::srv_names(live);
  std::erase_if(names, [&](const std::string& name) { return known->contains(name); });
  if (names.empty()) return;
  Loop loop([](uint64_t) {});
  bool over = false;
  size_t open = names.size();
  {
    Dns dns(loop, live.resolver);
    Timer patience([](void* flag) { *static_cast<bool*>(flag) = true; }, &over);
    loop.timers().arm(patience, kPatienceMs);
    std::vector<Ticket> questions;
    for (const std::string& name : names) {
      questions.push_back(dns.ask_srv(name, [&book, &open, &name](Dns::Answer answer) {
        --open;
        if (!answer.targets.empty()) book.put(name, std::move(answer.targets));
      }));
    }
    while (open > 0 && !over) loop.turn(true);
  }
  loop.stop();
  loop.run();
  loop.close();
}

}  // namespace postigo
