// THE SEAM: what a protocol is to the rest of Postigo. Bytes in, bytes out, events up; no I/O, no clock, no log. The
// parts: front.h, back.h, relay_filter.h, and protocol.h with the row of each protocol.
//
// Contracts that every implementation keeps, and tests/dialogue proves at every split of the input:
//  - feed() consumes whole messages and stops at the first event. Bytes that it did not consume stay with the caller,
//    who offers them again (with more behind them) later; after logged_in they are the first bytes of the relay.
//    need_input with consumed < input.size() means: the rest is an incomplete message, come back with more.
//  - How the input is cut into calls changes neither events nor output nor state.
//  - Behind a front's start_tls the rest of the input is the beginning of TLS and nothing else (RFC 9051 6.2.1; T27,
//    A1): the caller gives it to TLS. A back raises start_tls only when nothing follows it in the buffer: a server does
//    not speak first, so whatever came along is forged (T28, A18).
//  - authenticate suspends the dialogue: the caller answers with accept() or refuse() before it feeds again.
//  - secret suspends it as well: the caller answers with supply(), or with refuse(), which ends the attempt. After
//    supply() the attempt goes on, and ends in authenticate or abandoned, or with the dialogue.
//  - After hang_up the caller sends what is in Out and closes.
// Objects are confined to one thread and hold no reference to the buffers that they were fed from.
#pragma once

#include <cstddef>

namespace postigo {

enum class Event {
  need_input,    // feed more
  start_tls,     // front: reply is in Out, send it, then handshake with what is left of the input; back: handshake now
  authenticate,  // front only: credentials() are complete
  secret,        // front only: credentials() say who; what is kept of his password is wanted, see supply()
  abandoned,     // front only: the client has broken off the attempt for which a secret was supplied; feed the rest
  logged_in,     // back only: capabilities() are set, leftovers belong to the relay
  refused,       // back only: the backend says no to this user; reply() tells how
  ready,         // back only, if BackPolicy::until_ready: all is done but the login; over, or on with log_in()
  unavailable,   // back only: this backend cannot serve now (temporary, protocol error, no TLS); another one might
  hang_up,       // send what is in Out, then close
};

struct Step {
  size_t consumed = 0;
  Event event = Event::need_input;
};

}  // namespace postigo
