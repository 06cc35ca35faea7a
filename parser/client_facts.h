// What a backend is told about the client, and a front hears from a proxy before us.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace postigo {

// What a passdb of Dovecot's had its proxy tell the next server, whose passdb calls it forward_NAME.
struct ForwardField {
  std::string name, value;
  bool operator==(const ForwardField&) const = default;
};

// Facts of the client for a backend that trusts us (login/facts.h). Textual addresses; what is empty or 0 is unknown.
struct ClientFacts {
  std::string client_ip;
  uint16_t client_port = 0;
  std::string local_ip;
  uint16_t local_port = 0;
  std::string session_id;
  std::optional<bool> tls = false;      // the client's own connection is encrypted; nothing: unknown
  std::string client_id;                // FrontDialogue::client_id()
  static constexpr unsigned kHops = 5;  // as Dovecot begins
  unsigned hops_left = kHops;           // that the login has from the backend on (T63)
  std::string local_name;               // that the client asked for by TLS (SNI)
  std::vector<ForwardField> forward{};  // login/forward_fields.h
};

}  // namespace postigo
