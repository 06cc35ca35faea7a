// What is said, and what it proves. Not here: when to look, and what becomes of it (prober.cc).
#include "proxy/control/probe.h"

#include <openssl/rand.h>

#include <algorithm>

#include "backends/balance/watch.h"
#include "parser/base/ascii.h"
#include "parser/proxy_protocol/header.h"
#include "proxy/session/keys.h"

namespace postigo {
namespace {

constexpr uint64_t kGoodbyeMs = 2'000;

std::string random_digits() {
  uint64_t number = 0;
  RAND_bytes(reinterpret_cast<uint8_t*>(&number), sizeof(number));
  return hex(number, 8);
}

// We speak for ourselves: a health check.
std::string own_header(config::SendProxyHeader version) {
  proxy_protocol::Header header;
  header.local = true;
  if (version == config::SendProxyHeader::v1) return proxy_protocol::encode_v1(header);
  return version == config::SendProxyHeader::v2 ? proxy_protocol::encode_v2(header) : "";
}

Dialer::Until until_of(Depth depth) {
  return depth == Depth::connect ? Dialer::Until::connected
         : depth == Depth::tls   ? Dialer::Until::secured
         : depth == Depth::login ? Dialer::Until::logged_in
                                 : Dialer::Until::ready;
}

}  // namespace

// A trial decides whether users come back: it has as long as their logins would have.
uint64_t Probe::patience_ms(const Order& order) {
  uint64_t usual_ms = order.backend->settings.health.timeout_ms;
  return order.trial == 0 ? usual_ms : std::max(usual_ms, order.snapshot->live.limits.backend_login_timeout_ms);
}

Probe::Probe(Client& client, Dialer::Means means, Order order)
    : client_(client),
      loop_(means.loop),
      order_(std::move(order)),
      dialer_(*this, means, *order_.backend, *order_.protocol),
      patience_([](void* self) { static_cast<Probe*>(self)->too_late(); }, this) {}

void Probe::start() {
  loop_.timers().arm(patience_, patience_ms(order_));
  dialer_.start();
}

void Probe::abandon() {
  patience_.cancel();
  dialer_.abandon();
  socket_.reset();
}

Dialer::Words Probe::dial_words() {
  const config::Backend& settings = order_.backend->settings;
  Dialer::Words words;
  words.proxy_header = own_header(settings.proxy_protocol);
  words.until = until_of(*depth_of(settings.health.level));
  if (words.until == Dialer::Until::logged_in) {
    Keys keys;
    keys.user = keys.login.authcid = settings.health.user;
    keys.login.password = Secret(settings.health.password.reveal());
    keys.login.master = keys.verified = true;  // the account is ours
    words.login = keys.at(settings);
  }
  words.login.nonce = random_digits();
  return words;
}

void Probe::dial_greeted() {
  auto place = index_of(*order_.protocol);
  order_.backend->state->health(place).greeted(loop_.now_ms() - dialer_.connected_ms());
}

void Probe::dialed(SocketPtr socket, Bytes) {
  Depth reached = *depth_of(order_.backend->settings.health.level);
  if (reached < Depth::login) {
    know(Verdict{true, reached, "", false, ""});
    if (reached < Depth::greeting) return over();  // nothing of a protocol was said
    return say_goodbye(std::move(socket));
  }
  socket_ = std::move(socket);
  socket_->set_owner(*this);
  socket_->send(order_.protocol->noop);
}

void Probe::dial_refused() {
  const BackendReply& reply = dialer_.back()->reply();
  know(Verdict{true, Depth::greeting, reply.text, true, reply.code});
  say_goodbye(dialer_.take_socket());
}

void Probe::dial_failed(BackendError error, const std::string& why) {
  std::optional<Depth> depth = dialer_.depth_of(error);
  know(depth ? std::optional<Verdict>({false, *depth, why, false, ""}) : std::nullopt);
  over();
}

// After the login: the answer to the command that changes nothing.
void Probe::on_data(Socket&, Bytes data) {
  constexpr size_t kEnough = 64 * 1024;
  if (known_) return;  // the answer to our good-bye
  heard_.append(data);
  for (size_t end; (end = heard_.find('\n')) != std::string::npos; heard_.erase(0, end + 1)) {
    Bytes line = Bytes(heard_).substr(0, end);
    bool answer = line.starts_with(order_.protocol->noop_done.substr(0, order_.protocol->noop_done.find(' ')));
    bool done = line.starts_with(order_.protocol->noop_done);
    if (!answer && !line.starts_with("-ERR")) continue;
    know(Verdict{done, Depth::login, done ? "" : "no answer of use after the login: " + printable(line, 200), false,
                 ""});
    return say_goodbye(std::move(socket_));
  }
  if (heard_.size() > kEnough) on_failed(*socket_, "says too much after the login");
}

void Probe::on_eof(Socket& socket, bool) { on_failed(socket, "closed by the backend after the login"); }

void Probe::on_failed(Socket&, const std::string& why) {
  if (!known_) know(Verdict{false, Depth::login, why, false, ""});
  over();
}

void Probe::too_late() {
  if (known_) return over();  // it does not answer our good-bye
  if (socket_ != nullptr) return on_failed(*socket_, "no answer in time after the login");
  dialer_.deadline();
}

void Probe::know(const std::optional<Verdict>& verdict) {
  if (!std::exchange(known_, true)) client_.probe_knows(*this, verdict);
}

void Probe::say_goodbye(SocketPtr socket) {
  if (socket == nullptr) return over();
  socket_ = std::move(socket);
  socket_->set_owner(*this);
  socket_->send(order_.protocol->goodbye);
  socket_->finish();
  loop_.timers().arm(patience_, kGoodbyeMs);
}

void Probe::over() {
  abandon();
  client_.probe_over(*this);
}

}  // namespace postigo
