// How long a client is waited for that has been told the end. Not here: what ends a session, and what is said and
// counted then (session.cc).
#include "proxy/session/parting.h"

#include <algorithm>
#include <utility>

#include "proxy/session/host.h"
#include "proxy/session/session.h"

namespace postigo {
namespace {

// How long a client may go on taking what is unsent.
constexpr uint64_t kSlowClientMs = 60'000;
// The same while the instance stops: enough to take a BYE, and to close after it, over the slowest line.
constexpr uint64_t kStoppingMs = 1'000;

}  // namespace

Parting::Parting(Session& session)
    : Stage(session), taken_(session.client() != nullptr ? session.client()->taken() : 0) {}

uint64_t Parting::timeout_ms() const {
  uint64_t configured_ms = session_.limits().close_timeout_ms;
  return session_.host().stopping() ? std::min(configured_ms, kStoppingMs) : configured_ms;
}

void Parting::client_ended() {
  if (session_.client()->finished()) session_.retire();  // else our last bytes are on their way still (T58)
}

void Parting::client_failed(const std::string&) { session_.retire(); }

void Parting::client_drained() {
  if (session_.client()->finished() && session_.client()->ended()) session_.retire();
}

// A slow client gets its last octets if it takes them steadily, but not for ever; what it then has not is lost, and
// letting go of the socket tells so (T75).
void Parting::deadline() {
  const Socket& client = *session_.client();
  uint64_t passed_ms = session_.host().loop().now_ms() - session_.summary().end_ms;
  bool progress = std::exchange(taken_, client.taken()) != client.taken();
  bool waits = progress && client.unsent() != 0 && !session_.host().stopping() && passed_ms < kSlowClientMs;
  waits ? session_.rearm(timeout_ms()) : session_.retire();
}

void Parting::shut_down(CloseReason) { session_.rearm(timeout_ms()); }

}  // namespace postigo
