// The PROXY header of a client's connection: whom we believe, how long we wait, what we take from it. Not here: how one
// reads (parser/proxy_protocol), and those that we send (proxy_header.cc).
#include "proxy/session/preamble.h"

#include "proxy/session/session.h"

namespace postigo {

using proxy_protocol::Header;
using proxy_protocol::Parsed;

Preamble::Terms Preamble::terms(const Frontend& frontend, const Address& peer) {
  if (frontend.proxy_protocol == config::ProxyHeaders::off) return Terms::none;
  if (frontend.trusts(peer)) return Terms::header;
  return frontend.proxy_protocol == config::ProxyHeaders::require ? Terms::refused : Terms::none;
}

// Whatever is wrong ends by a reset: nothing was said that could get lost, and nobody reads what would be said.
void Preamble::received(Bytes data) {
  input_.append(data);
  Parsed parsed = proxy_protocol::parse(input_.view());
  switch (parsed.state) {
    case Parsed::State::more:
      return session_.count_memory();
    case Parsed::State::bad:
      return session_.abort(CloseReason::proxy_header_invalid, parsed.why);
    case Parsed::State::absent:
      if (session_.frontend().proxy_protocol == config::ProxyHeaders::accept) return go_on(0);
      return session_.abort(CloseReason::proxy_header_invalid, "no header");
    case Parsed::State::done:
      note(std::move(parsed.header));
      return go_on(parsed.consumed);
  }
}

// A client of "accept" may wait for the greeting: IMAP and POP3 servers speak first.
void Preamble::deadline() {
  bool may_lack = session_.frontend().proxy_protocol == config::ProxyHeaders::accept && input_.empty();
  if (may_lack) return go_on(0);
  session_.abort(CloseReason::proxy_header_timeout);
}

void Preamble::note(Header&& header) {
  Summary& summary = session_.summary();
  auto told = std::make_unique<Proxied>();
  told->via = summary.client;
  told->health_check = header.local;
  if (header.family != Header::Family::none) {
    bool v4 = header.family == Header::Family::ipv4;
    summary.client = Address::of(header.source.address, v4, header.source.port);
    told->local = Address::of(header.destination.address, v4, header.destination.port);
  }
  if (header.ssl && header.ssl->tls) told->ssl = std::move(header.ssl);
  told->alpn = std::move(header.alpn);
  told->name = std::move(header.authority);
  told->id = std::move(header.unique_id);
  told->hops_left = header.hops_left;
  summary.proxied = std::move(told);
}

// A balancer's word is not the client's: who leaves without one of his own is a health check still.
void Preamble::go_on(size_t consumed) {
  Bytes rest = input_.view().substr(consumed);
  if (rest.empty()) session_.client()->forget_heard();
  session_.begin_dialogue(rest);
}

}  // namespace postigo
