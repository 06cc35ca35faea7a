// The table of protocols: a new protocol is one folder beside this file and one row here.
#include <array>

#include "parser/by_protocol.h"
#include "parser/imap/imap.h"
#include "parser/pop3/pop3.h"
#include "parser/protocol.h"

namespace postigo {
namespace {

const std::array<Protocol, kProtocols>& table() {
  static const std::array<Protocol, kProtocols> rows = {kImap, kPop3};
  return rows;
}

}  // namespace

size_t protocol_index(std::string_view name) {
  size_t index = 0;
  while (index < kProtocols && table()[index].name != name) ++index;
  return index;
}

const Protocol* find_protocol(std::string_view name) {
  size_t index = protocol_index(name);
  return index < kProtocols ? &table()[index] : nullptr;
}

std::span<const Protocol> protocols() { return table(); }

}  // namespace postigo
