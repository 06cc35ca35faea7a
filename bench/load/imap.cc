// The IMAP dialogue: tags, untagged responses with literals, continuations. It knows only what the commands here may be
// answered with, and takes nothing else for an answer.
#include <charconv>
#include <cstring>

#include "bench/common/payload.h"
#include "bench/load/client.h"

namespace postigo::bench {
namespace {

class Imap final : public Client {
 public:
  using Client::Client;

  void login(std::string_view user, std::string_view password) override {
    say(Did::login, {"LOGIN ", user, " ", password});
  }
  void noop() override { say(Did::noop, {"NOOP"}); }
  void fetch(size_t size) override;
  void append(size_t size, bool literal_plus) override;
  void idle() override { say(Did::idle, {"IDLE"}); }
  void done() override;
  void logout() override { say(Did::logout, {"LOGOUT"}); }

 private:
  void line(std::string_view text) override;
  void octets_over() override { in_response_ = true; }
  void reset() override;
  bool may_end() const override { return answered_; }
  bool said_bye() const override { return bye_; }

  void say(Did what, std::initializer_list<std::string_view> parts);
  void greeting(std::string_view text);
  void untagged(std::string_view text);
  void go_ahead();
  void tagged(std::string_view text);
  bool append_checksum_right(std::string_view text) const;
  std::string_view tag() const { return {tag_, tag_size_}; }

  char tag_[16];
  size_t tag_size_ = 0;
  uint32_t number_ = 0;
  size_t size_ = 0;           // of the message that is fetched or appended
  bool in_response_ = false;  // after a literal: the rest of its response comes
  bool got_message_ = false;
  bool answered_ = false;  // LOGOUT
  bool bye_ = false;
};

void Imap::reset() {
  tag_size_ = 0;
  number_ = 0;
  in_response_ = got_message_ = answered_ = bye_ = false;
}

void Imap::say(Did what, std::initializer_list<std::string_view> parts) {
  begin(what);
  tag_[0] = 'a';
  tag_size_ = static_cast<size_t>(std::to_chars(tag_ + 1, tag_ + sizeof tag_, ++number_).ptr - tag_);
  stream_.send(tag());
  stream_.send(" ");
  for (std::string_view part : parts) stream_.send(part);
  stream_.send("\r\n");
}

void Imap::fetch(size_t size) {
  size_ = size;
  got_message_ = false;
  char digits[24];
  auto end = std::to_chars(digits, digits + sizeof digits, size).ptr;
  say(Did::fetch, {"UID FETCH ", {digits, static_cast<size_t>(end - digits)}, " BODY.PEEK[]"});
}

void Imap::append(size_t size, bool literal_plus) {
  size_ = size;
  char digits[24];
  auto end = std::to_chars(digits, digits + sizeof digits, size).ptr;
  say(Did::append, {"APPEND INBOX {", {digits, static_cast<size_t>(end - digits)}, literal_plus ? "+}" : "}"});
  if (!literal_plus) {
    got_message_ = false;  // the go-ahead has not come
    return;
  }
  go_ahead();
}

void Imap::go_ahead() {
  got_message_ = true;
  send_message(size_);
  stream_.send("\r\n");
}

void Imap::done() {
  begin(Did::done);
  stream_.send("DONE\r\n");
}

void Imap::line(std::string_view text) {
  if (in_response_) {
    in_response_ = false;
    if (text != ")") fail(Error::protocol);
    return;
  }
  if (doing_ == Did::greeting) return greeting(text);
  if (text.starts_with("* ")) return untagged(text.substr(2));
  if (text.starts_with("+")) {
    if (doing_ == Did::idle) return finish();
    if (doing_ == Did::append && !got_message_) return go_ahead();
    return fail(Error::protocol);
  }
  if (!text.starts_with(tag()) || text.size() <= tag_size_ || text[tag_size_] != ' ') return fail(Error::protocol);
  tagged(text.substr(tag_size_ + 1));
}

void Imap::greeting(std::string_view text) {
  if (text.starts_with("* BYE")) return fail(Error::refused);
  if (!text.starts_with("* OK")) return fail(Error::protocol);
  finish();
}

void Imap::untagged(std::string_view text) {
  if (text.starts_with("BYE")) {
    bye_ = true;
    return;
  }
  size_t brace = text.rfind('{');
  if (!text.ends_with('}') || brace == std::string_view::npos) return;
  size_t size = 0;
  auto [end, error] = std::from_chars(text.data() + brace + 1, text.data() + text.size() - 1, size);
  bool is_message = doing_ == Did::fetch && !got_message_ && text.find(" FETCH ") != std::string_view::npos;
  if (error != std::errc() || end != text.data() + text.size() - 1 || !is_message || size != size_) {
    return fail(Error::protocol);
  }
  got_message_ = true;
  expect(size, true);
}

void Imap::tagged(std::string_view text) {
  if (text.starts_with("NO ")) return fail(Error::refused);
  if (!text.starts_with("OK ") && text != "OK") return fail(Error::protocol);
  switch (doing_) {
    case Did::idle:  // OK before the "+" that lets us wait
      return fail(Error::protocol);
    case Did::logout:
      if (!bye_ || answered_) return fail(Error::protocol);
      answered_ = true;
      return;
    case Did::fetch:
    case Did::append:
      if (!got_message_) return fail(Error::protocol);
      if (doing_ == Did::append && !append_checksum_right(text)) director_.wrong_octets();
      return finish();
    default:
      return finish();
  }
}

// The sink, if it verifies, says UIDVALIDITY 1 and the checksum in place of the UID.
bool Imap::append_checksum_right(std::string_view text) const {
  constexpr std::string_view kCode = "OK [APPENDUID 1 ";
  if (!text.starts_with(kCode)) return true;
  static thread_local size_t size = 0;
  static thread_local uint32_t crc = 0;
  if (size != size_) {
    size = size_;
    crc = Payload::crc(size_) & 0x7fffffff;
  }
  uint32_t said = 0;
  std::from_chars(text.data() + kCode.size(), text.data() + text.size(), said);
  return said == crc;
}

}  // namespace

std::unique_ptr<Client> imap_client(Loop& loop, Client::Director& director, bool verify) {
  return std::make_unique<Imap>(loop, director, verify);
}

}  // namespace postigo::bench
