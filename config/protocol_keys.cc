// Names made once from the rows of protocols(). Not here: what the keys mean (schema.cc, schema_backends.cc).
#include "config/protocol_keys.h"

#include <algorithm>

namespace postigo::config {

namespace {

std::vector<std::string> with(std::string_view suffix) {
  std::vector<std::string> names;
  for (const Protocol& each : protocols()) names.push_back(std::string(each.name).append(suffix));
  return names;
}

}  // namespace

const char* port_key(const Protocol& protocol) {
  static const std::vector<std::string> keys = with("_port");
  return keys[index_of(protocol)].c_str();
}

const char* idle_timeout_key(const Protocol& protocol) {
  static const std::vector<std::string> keys = with("_idle_timeout");
  return keys[index_of(protocol)].c_str();
}

const std::vector<std::string>& protocol_names() {
  static const std::vector<std::string> names = with("");
  return names;
}

bool is_clear_port(uint16_t port) {
  return std::any_of(protocols().begin(), protocols().end(), [&](const Protocol& each) { return each.port == port; });
}

bool is_tls_port(uint16_t port) {
  return std::any_of(protocols().begin(), protocols().end(),
                     [&](const Protocol& each) { return each.tls_port == port; });
}

ByProtocol<uint64_t> usual_idle_timeout_ms() {
  ByProtocol<uint64_t> usual;
  for (const Protocol& each : protocols()) usual[each.name] = each.idle_timeout_ms;
  return usual;
}

}  // namespace postigo::config
