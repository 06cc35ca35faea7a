// Channel, Facts: all that mechanisms ask of the world about one connection: to a backend, and from a client. What is
// in proxy/session answers (backend_channel.h, facts.h); tests/fakes does.
//
// One thread. Valid as long as the connection; what TLS says may change when a handshake is over.
#pragma once

#include <string>
#include <string_view>

#include "parser/base/bytes.h"

namespace postigo::sasl {

class Channel {
 public:
  Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  virtual ~Channel() = default;

  // Letters, digits, "+" and "/" that nobody can guess, and that never come again: nonces, timestamps.
  virtual std::string unique() const = 0;
  // What this connection's TLS is known by to both ends (RFC 5056), by type: "tls-exporter" (RFC 9266),
  // "tls-server-end-point", "tls-unique" (RFC 5929). Empty: there is none.
  virtual std::string channel_binding(std::string_view type) const = 0;
};

class Facts : public Channel {
 public:
  // Whom the certificate names that the client has shown to us by TLS, and that we have verified. Empty: nobody (A8).
  virtual std::string certificate_name() const = 0;
  // The same for the life of the process, and known to nobody: decides what is shown of users who do not exist.
  virtual Bytes decoy_key() const = 0;
};

}  // namespace postigo::sasl
