// Estate: what goes from a process to its successor, and how: over a stream socket between the two.
//
//   predecessor: packets of one octet with descriptors: first a file in memory (CBOR), then the listening sockets, then
//                links to itself and to those before it (predecessors.h)
//   successor:   one octet, kServes, once it serves
//   predecessor: or one octet, kGaveUp, if that did not come in time
//
// A program that knows no links takes them for sockets that nobody has a use for, and closes them.
//
// Either side that ends the connection before that gives the change up.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "backends/balance/siphash.h"
#include "backends/work/descriptor.h"
#include "config/srv.h"
#include "parser/base/result.h"
#include "proxy/net/ticket_keys.h"

namespace postigo {

// Listening sockets by the text of their address (Address::text()); those of a unix socket by its path.
using Sockets = std::map<std::string, std::vector<Descriptor>>;

struct Estate {
  Sockets sockets;
  std::vector<TicketKeys::Key> keys;
  std::map<std::string, std::vector<std::string>> names;  // of systemd's sockets: addresses by name
  std::string orders;                                     // StandingOrders::text(); empty: none
  std::string bonds;                                      // bonds_text(); empty: none
  std::string penalties;                                  // Penalties::text(); empty: none
  std::optional<SipKey> key;                              // Shared::key, under which others write of users
  config::SrvRecords services;                            // SrvBook
  std::vector<Descriptor> links;                          // ends of Link
};

// How the successor learns which descriptor its end of the conversation is: in its environment.
inline constexpr const char* kSuccessionVariable = "POSTIGO_SUCCESSION";
inline constexpr char kServes = 'R';
inline constexpr char kGaveUp = 'N';

// Does not block: an error if the other side does not take all at once. Copies go, the sockets stay. Any thread.
Result<void> send_estate(int conversation, const Estate& estate);
// Blocking, as long as the conversation's time-out for reading says.
Result<Estate> receive_estate(int conversation);

// What a listening socket is called in Sockets; empty if it is none.
std::string name_of_socket(int fd);

}  // namespace postigo
