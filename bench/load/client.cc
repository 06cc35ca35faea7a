// Lines and counted octets; what the end of a connection means.
#include "bench/load/client.h"

#include <algorithm>

#include "bench/common/payload.h"

namespace postigo::bench {
namespace {

constexpr size_t kLineMax = 64 * 1024;

}  // namespace

void Client::connect(const Stream::Target& target, in_addr from) {
  ++life_;
  doing_ = Did::greeting;
  expected_ = got_ = 0;
  partial_.clear();
  reset();
  stream_.connect(target, from);
}

void Client::on_open() {
  if (stream_.ssl() != nullptr) director_.shaken_hands(stream_.ssl());
}

void Client::on_data(std::string_view data) {
  uint32_t life = life_;
  while (!data.empty() && life == life_ && !stream_.closed()) {
    if (expected_ > got_) {
      std::string_view octets = data.substr(0, expected_ - got_);
      data.remove_prefix(octets.size());
      take_octets(octets);
      continue;
    }
    size_t end = data.find('\n');
    if (end == std::string_view::npos) {
      partial_.append(data);
      if (partial_.size() > kLineMax) fail(Error::protocol);
      return;
    }
    std::string_view text = data.substr(0, end);
    data.remove_prefix(end + 1);
    if (!partial_.empty()) {
      partial_.append(text);
      text = partial_;
    }
    if (!text.ends_with('\r')) return fail(Error::protocol);
    text.remove_suffix(1);
    line(text);
    partial_.clear();
  }
}

void Client::expect(size_t size, bool is_message) {
  message_ = is_message && verify_;
  right_ = true;
  got_ = 0;
  expected_ = size;
  if (size == 0) octets_over();
}

void Client::take_octets(std::string_view data) {
  if (message_ && right_ && !Payload::matches(expected_, got_, data)) right_ = false;
  got_ += data.size();
  if (got_ < expected_) return;
  expected_ = got_ = 0;
  if (!right_) director_.wrong_octets();
  octets_over();
}

void Client::send_message(size_t size) {
  for (size_t at = 0; at < size;) {
    std::string_view piece = Payload::piece(size, at);
    stream_.send_stable(piece);
    at += piece.size();
  }
}

void Client::fail(Error error) {
  stream_.close();
  director_.failed(*this, error);
}

// The server ends the connection after LOGOUT; many do so without close_notify, which is not counted.
void Client::on_over(Stream::Over why) {
  bool over = doing_ == Did::logout && expected_ == 0;
  if (over && (why == Stream::Over::ended || why == Stream::Over::reset) && may_end()) return finish();
  switch (why) {
    case Stream::Over::connect:
      return director_.failed(*this, Error::connect);
    case Stream::Over::tls:
      return director_.failed(*this, Error::tls);
    case Stream::Over::ended:
    case Stream::Over::reset:
      return director_.failed(*this, said_bye() ? Error::refused : Error::closed);
  }
}

}  // namespace postigo::bench
