// Dns: host names to addresses by /etc/hosts and the name servers, and services to hosts (SRV), through c-ares. It
// remembers nothing: resolver.h does.
//
// No threads: c-ares's sockets are watched by our loop. Any number of questions at a time; none waits for another one's
// answer. Confined to the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backends/env.h"
#include "config/config.h"
#include "config/srv.h"
#include "proxy/net/address.h"
#include "proxy/net/loop.h"

namespace postigo {

class Dns {
 public:
  struct Answer {
    std::vector<Address> addresses;          // IPv6 and IPv4, in the order in which to try them (RFC 6724); port 0
    std::vector<config::SrvTarget> targets;  // of ask_srv(): sorted
    uint64_t ttl_ms = 0;                     // of the record that is over first; 0 for what /etc/hosts says
    std::string why;                         // one line if there is nothing
  };

  Dns(Loop& loop, const config::Resolver& settings);
  ~Dns();
  // Nothing completes inside the call. Destroying the ticket detaches the caller, and does not wait for a server.
  Ticket ask(const std::string& host, std::function<void(Answer)> then);
  Ticket ask_srv(const std::string& name, std::function<void(Answer)> then);  // RFC 2782

 private:
  class Channel;
  struct Question;
  std::shared_ptr<Channel> channel();

  Loop& loop_;
  config::Resolver settings_;
  std::shared_ptr<Channel> channel_;  // for new questions; those that wait for an answer hold theirs
};

}  // namespace postigo
