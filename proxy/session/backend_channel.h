// BackendChannel: what a connection to a backend knows that mechanisms ask for (parser/sasl/facts.h).
//
// Outlived by the socket's owner, on its thread.
#pragma once

#include "parser/sasl/facts.h"
#include "proxy/net/socket.h"
#include "proxy/session/facts.h"

namespace postigo {

class BackendChannel final : public sasl::Channel {
 public:
  explicit BackendChannel(const SocketPtr& socket) : socket_(socket) {}

  std::string unique() const override { return unique_text(); }
  std::string channel_binding(std::string_view type) const override;

 private:
  const SocketPtr& socket_;
};

}  // namespace postigo
