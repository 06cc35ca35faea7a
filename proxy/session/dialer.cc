// One backend, step by step. Not here: which backend and what becomes of a failure (upstream.cc, proxy/control/prober),
// what is said (parser's back dialogues).
#include "proxy/session/dialer.h"

#include <algorithm>
#include <cerrno>

#include "proxy/net/tls_count.h"

namespace postigo {
namespace {

uint64_t now_us() { return uv_hrtime() / 1000; }

BackPolicy policy_for(const config::Backend& backend) {
  BackPolicy policy;
  policy.tls = backend.tls.mode == config::Tls::off        ? BackPolicy::Tls::off
               : backend.tls.mode == config::Tls::starttls ? BackPolicy::Tls::starttls
                                                           : BackPolicy::Tls::implicit;
  policy.forward_client = backend.trusted;
  policy.mechanism = backend.mechanism;
  policy.proxy_header = backend.proxy_protocol != config::SendProxyHeader::off;
  policy.alerts = backend.pass_alerts  ? BackPolicy::Alerts::always
                  : backend.tls.verify ? BackPolicy::Alerts::under_tls
                                       : BackPolicy::Alerts::never;
  return policy;
}

}  // namespace

Dialer::Dialer(Client& client, Means means, const Backend& backend, const Protocol& protocol)
    : client_(&client),
      means_(means),
      backend_(backend),
      protocol_(protocol),
      race_(means.loop, *this, [this](const Address& to) { return begin_to(to); }) {}

void Dialer::enter(Phase phase) {
  phase_ = phase;
  client_->dial_entered(phase);
}

void Dialer::start() {
  enter(Phase::connect);
  if (const std::vector<Address>* known = means_.resolver.known(settings().host)) return connect(*known);
  resolving_ =
      means_.resolver.resolve(settings().host, [this](Resolver::Answer answer) { resolved(std::move(answer)); });
}

// To whom it may concern was all that was said so far. The times are those of the login from here on.
void Dialer::go_on(Client& client) {
  client_ = &client;
  parked_ = false;
  connected_us_ = now_us();
  connected_ms_ = means_.loop.now_ms();
  until_ = Until::logged_in;
  enter(Phase::backend_login);
  Out out;
  Event event = back_->log_in(std::move(client_->dial_words().login), out);
  if (!flush(out)) return;
  if (event == Event::unavailable) client_->dial_failed(BackendError::unavailable, back_->reply().text);
}

void Dialer::park() {
  if (!input_.empty()) return client_->dial_failed(BackendError::unavailable, "says more than it was asked");
  parked_ = true;
  client_->dial_parked();
}

void Dialer::abandon() {
  resolving_.cancel();
  race_.stop();
  socket_.reset();
}

void Dialer::resolved(Resolver::Answer answer) {
  if (!answer) return client_->dial_failed(BackendError::resolve, answer.error().message);
  connect(std::move(*answer));
}

bool Dialer::has_source_for(const Address& address) const {
  return backend_.sources.empty() ||
         std::any_of(backend_.sources.begin(), backend_.sources.end(),
                     [&](const Address& from) { return from.get()->sa_family == address.get()->sa_family; });
}

// Those that none of our addresses leads to are tried only if there are no others.
void Dialer::connect(std::vector<Address> addresses) {
  auto without = std::stable_partition(addresses.begin(), addresses.end(),
                                       [this](const Address& each) { return has_source_for(each); });
  if (without != addresses.begin()) addresses.erase(without, addresses.end());
  for (Address& address : addresses) address.set_port(settings().port(protocol_.name));
  connect_start_us_ = now_us();
  race_.start(std::move(addresses));
}

int Dialer::begin_to(const Address& address) {
  const std::vector<Address>& sources = backend_.sources;
  if (sources.empty()) return Socket::begin(address);
  int status = -EAFNOSUPPORT;
  for (size_t i = 0; i < sources.size(); ++i) {
    Counter& turns = means_.stats.source_turns;
    const Address& source = sources[turns.get() % sources.size()];
    turns.inc();
    if (source.get()->sa_family != address.get()->sa_family) continue;
    status = Socket::begin(address, &source);
    if (status != -EADDRNOTAVAIL) break;  // else the next one may have a port
  }
  return status;
}

void Dialer::race_won(SocketPtr socket) {
  socket_ = std::move(socket);
  socket_->set_owner(*this);
  connected_us_ = now_us();
  connected_ms_ = means_.loop.now_ms();
  means_.stats.connects.inc();
  means_.stats.connect_seconds.observe_us(connected_us_ - connect_start_us_);
  Words words = client_->dial_words();
  BackPolicy policy = policy_for(settings());
  policy.channel = &channel_;
  policy.kept = backend_.kept.get();
  until_ = words.until;
  policy.until_ready = until_ != Until::logged_in;
  back_ = protocol_.make_back(policy, std::move(words.login));
  bool tls = settings().tls.mode == config::Tls::implicit;
  if (Bytes header = words.proxy_header; !header.empty()) {
    socket_->send({&header, 1}, tls);  // it shares a segment with the beginning of TLS
  }
  bool no_tls = settings().tls.mode == config::Tls::off;
  if (until_ == Until::connected || (until_ == Until::secured && no_tls))
    return client_->dialed(std::move(socket_), {});
  if (tls) return start_tls();
  enter(Phase::backend_login);
}

void Dialer::start_tls() {
  enter(Phase::backend_tls);
  socket_->start_tls_client(backend_.tls[index_of(protocol_)]);
}

void Dialer::on_secured(Socket& socket) {
  count_handshake(means_.stats.tls, socket.tls()->ssl());
  if (until_ == Until::secured) return client_->dialed(std::move(socket_), {});
  enter(Phase::backend_login);
  if (!starttls_) return;
  Out out;
  back_->tls_established(out);
  flush(out);
}

bool Dialer::flush(Out& out) {
  if (out.overflowed()) {
    client_->dial_overflowed();
    return false;
  }
  if (!out.empty()) socket_->send(out.view());
  out.clear();
  return true;
}

void Dialer::on_data(Socket&, Bytes data) {
  if (parked_) return client_->dial_failed(BackendError::closed, "speaks unasked");
  input_.append(data);
  while (step()) {
  }
}

bool Dialer::step() {
  Out out;
  Step step = back_->feed(input_.view(), out);
  if (!flush(out)) return false;
  bool over = step.event == Event::unavailable || step.event == Event::hang_up;
  if (step.consumed > 0) client_->dial_stepped(back_->state_name(), step.event);
  if (step.consumed > 0 && !over && !std::exchange(greeted_, true)) client_->dial_greeted();
  bool handed_on = step.event == Event::logged_in || (step.event == Event::ready && until_ != Until::parked);
  if (!handed_on) input_.consume(step.consumed);
  switch (step.event) {
    case Event::start_tls:
      starttls_ = true;
      start_tls();
      return false;
    case Event::logged_in:
      means_.stats.login_seconds.observe_us(now_us() - connected_us_);
      [[fallthrough]];
    case Event::ready:
      if (!handed_on) {
        park();
        return false;
      }
      // What was consumed is wiped with this object, at the end of the turn.
      client_->dialed(std::move(socket_), input_.view().substr(step.consumed));
      return false;
    case Event::refused:
      client_->dial_refused();
      return false;
    case Event::unavailable:
    case Event::hang_up:
      client_->dial_failed(BackendError::unavailable, back_->reply().text);
      return false;
    default:
      return step.consumed > 0 && !input_.empty();
  }
}

// If it has said no to the user before, that was its answer.
void Dialer::lost(BackendError error, const std::string& why) {
  if (back_ != nullptr && back_->lost() == Event::refused) return client_->dial_refused();
  client_->dial_failed(error, why);
}

// One that expects a PROXY header and gets none, or the other way round, goes without a word of why.
std::string Dialer::with_hint(const std::string& why) const {
  if (socket_ == nullptr || socket_->heard()) return why;
  bool sent = settings().proxy_protocol != config::SendProxyHeader::off;
  return why + (sent ? " (does it expect our PROXY header?)" : " (does it expect a PROXY header?)");
}

void Dialer::on_eof(Socket&, bool) { lost(BackendError::closed, with_hint("closed by the backend")); }

void Dialer::race_lost(int begun, const std::string& why) {
  if (begun == -EADDRNOTAVAIL) {
    return client_->dial_failed(BackendError::no_port, "no port is free, or no address is there, to connect from");
  }
  bool other_family = begun == -EAFNOSUPPORT && !backend_.sources.empty();
  if (other_family) return client_->dial_failed(BackendError::no_port, "no address in source is of its family");
  client_->dial_failed(BackendError::connect, why);
}

void Dialer::on_failed(Socket& socket, const std::string& why) {
  bool handshake = phase_ == Phase::backend_tls && socket.tls() != nullptr;
  if (handshake) return client_->dial_failed(BackendError::tls, with_hint(why));
  lost(BackendError::closed, with_hint(why));
}

void Dialer::deadline() {
  if (phase_ == Phase::connect) return client_->dial_failed(BackendError::connect_timeout, "connecting took too long");
  lost(BackendError::login_timeout, with_hint("no answer in time"));
}

// What fails behind the greeting may be about one user; before it is about nobody.
std::optional<Depth> Dialer::depth_of(BackendError error) const {
  switch (error) {
    case BackendError::resolve:
    case BackendError::connect:
    case BackendError::connect_timeout:
      return Depth::connect;
    case BackendError::tls:
      return Depth::tls;
    case BackendError::login_timeout:
    case BackendError::unavailable:
    case BackendError::closed:
      if (phase_ == Phase::backend_tls) return Depth::tls;  // a probe that goes no further must be able to lift it
      return greeted_ ? Depth::login : Depth::greeting;
    case BackendError::silent:
      return Depth::greeting;
    case BackendError::master_refused:
    case BackendError::full:
    case BackendError::taken_out:
    case BackendError::no_port:
    case BackendError::moved:
    case BackendError::down:
    case BackendError::session_limit:
    case BackendError::login_rate:
    case BackendError::queue_full:
    case BackendError::pool_limit:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace postigo
