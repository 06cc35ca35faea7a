// Binding. Not here: accepting (net/listener), which worker gets which connection (the kernel decides), where inherited
// sockets come from (inheritance.cc).
#include "proxy/control/doors.h"

#include <fmt/format.h>

#include <algorithm>

#include "proxy/net/listener.h"

namespace postigo {
namespace {

std::vector<Descriptor> copies_of(const std::vector<Descriptor>& sockets) {
  std::vector<Descriptor> copies;
  for (const Descriptor& socket : sockets) copies.push_back(socket.copy());
  return copies;
}

// Each socket has its own queue of connections: none may be without a worker, nor a worker without a socket.
void spread(const std::string& name, const std::vector<Descriptor>& sockets, std::vector<Handout>& handouts) {
  size_t rounds = std::max(sockets.size(), handouts.size());
  for (size_t i = 0; i < rounds; ++i) {
    handouts[i % handouts.size()][name].push_back(sockets[i % sockets.size()].copy());
  }
}

}  // namespace

std::string socket_name(const config::Endpoint& endpoint) {
  std::optional<Address> address = Address::parse(endpoint.host, endpoint.port);
  return address ? address->text() : "";
}

// Inherited as they are, whatever their number; else one for each worker.
Result<std::vector<Descriptor>> Doors::obtain(const Address& address, uint16_t port) const {
  if (auto found = inherited_.find(address.text()); found != inherited_.end()) return copies_of(found->second);
  bool ours = std::any_of(inherited_.begin(), inherited_.end(),
                          [&](const auto& each) { return each.first.ends_with(fmt::format(":{}", port)); });
  std::vector<Descriptor> sockets;
  for (size_t i = 0; i < workers_; ++i) {
    // Another program's port is no place for us. One of our own, at a narrower or wider address, is.
    auto fd = Listener::bind(address, i == 0 && !ours && !ports_.contains(port));
    if (!fd) return tl::unexpected(fd.error());
    sockets.emplace_back(*fd);
  }
  return sockets;
}

Result<Doors::Opening> Doors::open(const std::vector<config::Listener>& listeners) const {
  Opening opening{std::vector<Handout>(workers_), {}};
  for (const config::Listener& listener : listeners) {
    for (const config::Endpoint& endpoint : listener.addresses) {
      std::optional<Address> address = Address::parse(endpoint.host, endpoint.port);
      if (!address) return fail(fmt::format("listener {}: {} is not an address", listener.name, endpoint.host));
      if (sockets_.contains(address->text())) continue;
      auto sockets = obtain(*address, endpoint.port);
      if (!sockets) return fail(fmt::format("listener {}: {}", listener.name, sockets.error().message));
      spread(address->text(), *sockets, opening.handouts);
      opening.fresh.emplace(address->text(), std::move(*sockets));
    }
  }
  return opening;
}

void Doors::use(const std::vector<config::Listener>& listeners, Sockets fresh) {
  Sockets before = std::move(sockets_);
  sockets_ = std::move(fresh);
  ports_.clear();
  for (const config::Listener& listener : listeners) {
    for (const config::Endpoint& endpoint : listener.addresses) {
      sockets_.insert(before.extract(socket_name(endpoint)));
      ports_.insert(endpoint.port);
    }
  }
}

Result<int> Doors::open_other(const std::string& name, const std::function<Result<int>()>& bind) {
  Descriptor socket;
  if (auto found = inherited_.find(name); found != inherited_.end()) {
    socket = found->second.front().copy();
  } else if (auto bound = bind()) {
    socket = Descriptor(*bound);
  } else {
    return bound;
  }
  others_[name].push_back(socket.copy());
  return socket.release();
}

std::vector<std::string> Doors::forget_inherited() {
  std::vector<std::string> unused;
  for (const auto& [name, sockets] : inherited_) {
    if (!sockets_.contains(name) && !others_.contains(name)) unused.push_back(name);
  }
  inherited_.clear();
  return unused;
}

void Doors::close() {
  sockets_.clear();
  others_.clear();
}

Sockets Doors::copies() const {
  Sockets all;
  for (const Sockets* each : {&sockets_, &others_}) {
    for (const auto& [name, sockets] : *each) all.emplace(name, copies_of(sockets));
  }
  return all;
}

}  // namespace postigo
