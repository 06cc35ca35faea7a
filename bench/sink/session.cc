// Lines, counted octets, and what the protocols share: logins and messages.
#include "bench/sink/session.h"

#include <openssl/base64.h>

#include <algorithm>
#include <charconv>

#include "bench/common/payload.h"

namespace postigo::bench {
namespace {

constexpr size_t kLineMax = 64 * 1024;

}  // namespace

void Sink::clean() {
  for (Session* session : over) delete session;
  over.clear();
}

void Session::start(int fd, SSL_CTX* tls) {
  ++counters().connections;
  counters().open_max = std::max(counters().open_max, ++counters().open);
  stream_.accept(fd, tls);
}

void Session::on_open() {
  bool after_starttls = deaf_;
  deaf_ = false;
  if (encrypted()) {
    ++counters().handshakes;
    if (SSL_session_reused(stream_.ssl())) ++counters().resumed;
  }
  if (!after_starttls) greet();
  stream_.flush();
}

void Session::on_over(Stream::Over) {
  deaf_ = true;
  --counters().open;
  sink_.over.push_back(this);
}

void Session::on_data(std::string_view data) {
  while (!data.empty() && !deaf_) {
    if (counted_ > 0) {
      std::string_view octets = data.substr(0, counted_);
      data.remove_prefix(octets.size());
      counted_ -= octets.size();
      counted(octets);
      continue;
    }
    size_t end = data.find('\n');
    if (end == std::string_view::npos) {
      partial_.append(data);
      if (partial_.size() > kLineMax) finish();
      return;
    }
    std::string_view text = data.substr(0, end);
    data.remove_prefix(end + 1);
    std::string whole;
    if (!partial_.empty()) {
      whole.swap(partial_);
      text = whole.append(text);
    }
    if (text.ends_with('\r')) text.remove_suffix(1);
    line(text);
  }
}

void Session::answer(std::initializer_list<std::string_view> parts) {
  for (std::string_view part : parts) stream_.send(part);
  stream_.send("\r\n");
}

void Session::send_message(size_t size) {
  ++counters().fetched;
  counters().octets_fetched += size;
  bool corrupt = ++sink_.messages == sink_.corrupt;
  size_t wrong = corrupt ? size / 2 : size;
  for (size_t at = 0; at < size;) {
    std::string_view piece = Payload::piece(size, at);
    if (at < wrong) piece = piece.substr(0, wrong - at);
    if (at == wrong) {
      char octet = static_cast<char>(piece.front() ^ 1);
      piece = piece.substr(0, 1);
      stream_.send({&octet, 1});
    } else {
      stream_.send_stable(piece);
    }
    at += piece.size();
  }
}

void Session::start_tls() {
  deaf_ = true;
  partial_.clear();
  stream_.start_tls(sink_.tls);
}

void Session::finish() {
  deaf_ = true;
  stream_.finish();
}

bool Session::login(std::string_view password) {
  bool right = password != "wrong";
  ++(right ? counters().logins : counters().refused);
  return right;
}

bool Session::login_plain(std::string_view base64) {
  uint8_t plain[1024];
  size_t size = 0;
  auto* from = reinterpret_cast<const uint8_t*>(base64.data());
  if (!EVP_DecodeBase64(plain, &size, sizeof plain, from, base64.size())) return login("wrong");
  std::string_view text(reinterpret_cast<char*>(plain), size);
  size_t last = text.rfind('\0');
  return login(last == std::string_view::npos ? "wrong" : text.substr(last + 1));
}

Verb::Verb(std::string_view word) : size(std::min(word.size(), sizeof text)) {
  std::transform(word.begin(), word.begin() + static_cast<long>(size), text,
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
}

std::string_view next_word(std::string_view& text) {
  size_t space = text.find(' ');
  std::string_view word = text.substr(0, space);
  text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  return word;
}

int64_t number(std::string_view digits) {
  int64_t value = -1;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc() && end == digits.data() + digits.size() && value >= 0 ? value : -1;
}

}  // namespace postigo::bench
