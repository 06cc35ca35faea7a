// Discovery: asks name servers again and again where the services are that stand for backends (config/srv.h).
//
// Confined to the control thread's loop. An answer is good for its TTL within the bounds of [resolver]; a failure is
// asked about again after `failure_ttl`, and changes nothing.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "config/config.h"
#include "proxy/net/dns.h"
#include "proxy/net/srv_book.h"

namespace postigo {

class Discovery {
 public:
  // Both outlive it. `changed`: the book has other targets than what is in effect; told again as long as that is so.
  Discovery(Loop& loop, SrvBook& book, std::function<void()> changed);

  // A configuration takes effect, with backends by `records`. Services are asked about from the first call to close().
  void use(const config::Live& live, std::shared_ptr<const config::SrvRecords> records);
  void close();

 private:
  struct Service {
    uint64_t next_ms = 0;  // to be asked about
    bool asking = false, failed = false;
    Ticket question;
  };
  void look();
  void ask(const std::string& name, Service& service);
  void answered(const std::string& name, Service& service, Dns::Answer answer);

  Loop& loop_;
  SrvBook& book_;
  std::function<void()> changed_;
  Timer look_;
  config::Resolver settings_;
  std::unique_ptr<Dns> dns_;
  std::map<std::string, Service> services_;
  std::shared_ptr<const config::SrvRecords> in_effect_;
};

// Asks about those services of which the book knows nothing, all at once, and waits for the answers, five seconds at
// most. Blocking; any thread without a loop of its own.
void discover(const config::Live& live, SrvBook& book);

}  // namespace postigo
