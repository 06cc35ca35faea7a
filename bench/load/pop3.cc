// The POP3 dialogue. POP3 cannot wait: `idle` is a session that says nothing, and `done` a NOOP.
#include <charconv>

#include "bench/load/client.h"

namespace postigo::bench {
namespace {

class Pop3 final : public Client {
 public:
  using Client::Client;

  void login(std::string_view user, std::string_view password) override;
  void noop() override { say(Did::noop, {"NOOP"}); }
  void fetch(size_t size) override;
  void append(size_t, bool) override { fail(Error::protocol); }
  void idle() override {
    begin(Did::idle);
    finish();
  }
  void done() override { say(Did::done, {"NOOP"}); }
  void logout() override { say(Did::logout, {"QUIT"}); }

 private:
  void line(std::string_view text) override;
  void octets_over() override { at_dot_ = true; }
  void reset() override {
    password_.clear();
    at_dot_ = answered_ = false;
  }
  bool may_end() const override { return answered_; }
  bool said_bye() const override { return false; }

  void say(Did what, std::initializer_list<std::string_view> parts) {
    begin(what);
    for (std::string_view part : parts) stream_.send(part);
    stream_.send("\r\n");
  }

  std::string password_;  // until USER is answered
  size_t size_ = 0;
  bool at_dot_ = false;    // the message is over, its dot must come
  bool answered_ = false;  // QUIT
};

void Pop3::login(std::string_view user, std::string_view password) {
  password_ = password;
  say(Did::login, {"USER ", user});
}

void Pop3::fetch(size_t size) {
  size_ = size;
  char digits[24];
  auto end = std::to_chars(digits, digits + sizeof digits, size).ptr;
  say(Did::fetch, {"RETR ", {digits, static_cast<size_t>(end - digits)}});
}

void Pop3::line(std::string_view text) {
  if (at_dot_) {
    at_dot_ = false;
    return text == "." ? finish() : fail(Error::protocol);
  }
  if (text.starts_with("-ERR")) return fail(Error::refused);
  if (!text.starts_with("+OK") || doing_ == Did::idle || answered_) return fail(Error::protocol);
  if (doing_ == Did::login && !password_.empty()) {
    say(Did::login, {"PASS ", password_});
    password_.clear();
    return;
  }
  if (doing_ == Did::fetch) return expect(size_, true);
  if (doing_ == Did::logout) {
    answered_ = true;
    return;
  }
  finish();
}

}  // namespace

std::unique_ptr<Client> pop3_client(Loop& loop, Client::Director& director, bool verify) {
  return std::make_unique<Pop3>(loop, director, verify);
}

}  // namespace postigo::bench
