// A configuration as small as it can be: one backend on loopback, in a pool of its own, who checks passwords himself.
#pragma once

#include <cstdint>
#include <string>

#include "config/config.h"

namespace postigo {

// `port`: of the backend, for both protocols. Listeners are the caller's.
inline config::Config one_backend(uint16_t port) {
  config::Config config;
  config::Backend backend;
  backend.name = "b1";
  backend.host = "127.0.0.1";
  backend.ports["imap"] = backend.ports["pop3"] = port;
  config.live.backends.push_back(backend);
  config::Pool pool;
  pool.name = "main";
  pool.shards.push_back({"b1", 1.0, {"b1"}});
  config.live.pools.push_back(pool);
  config.live.auth.mechanisms = {"PLAIN", "LOGIN"};
  config.live.hostname = "mail.example.org";
  return config;
}

// In clear text, passwords too; named after its protocol.
inline config::Listener clear_listener(const std::string& protocol, uint16_t port) {
  config::Listener listener;
  listener.name = listener.protocol = protocol;
  listener.addresses = {{"127.0.0.1", port}};
  listener.tls = config::Tls::off;
  listener.plaintext_login = true;
  return listener;
}

}  // namespace postigo
