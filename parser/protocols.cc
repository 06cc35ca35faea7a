// The table of protocols: a new protocol is one folder beside this file and one row here.
#include <array>

#include "parser/dialogue.h"
#include "parser/imap/imap.h"
#include "parser/pop3/pop3.h"

namespace postigo {
namespace {

const std::array<Protocol, 2>& table() {
  static const std::array<Protocol, 2> rows = {kImap, kPop3};
  return rows;
}

}  // namespace

const Protocol* find_protocol(std::string_view name) {
  for (const Protocol& protocol : table()) {
    if (protocol.name == name) return &protocol;
  }
  return nullptr;
}

std::span<const Protocol> protocols() { return table(); }

}  // namespace postigo
