// Preamble: what may come before a client's first octet: the PROXY header of a balancer, with the client's address.
//
// The stage of a Session while a header is awaited, and only then: a listener without them pays nothing. Confined to
// the worker's thread.
#pragma once

#include "parser/proxy_protocol/header.h"
#include "proxy/net/address.h"
#include "proxy/session/input.h"
#include "proxy/session/stage.h"
#include "proxy/snapshot.h"

namespace postigo {

class Preamble final : public Stage {
 public:
  enum class Terms { none, header, refused };
  // What a new connection begins with. Nobody is believed but who stands in proxy_trusted (A27).
  static Terms terms(const Frontend& frontend, const Address& peer);

  explicit Preamble(Session& session) : Stage(session) {}

  void received(Bytes data) override;  // lets the session go on, or closes it
  void deadline() override;            // the same
  size_t held() const override { return input_.cost(); }

 private:
  void note(proxy_protocol::Header&& header);
  void go_on(size_t consumed);

  Input input_;
};

}  // namespace postigo
