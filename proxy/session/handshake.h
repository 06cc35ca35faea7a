// Handshake: TLS towards the client. A Login is made when it is over, so that a stranger's handshake does not pay for
// one; StartTls has one already, which goes on then.
//
// Owned by its Session. Confined to the worker's thread.
#pragma once

#include <memory>
#include <utility>

#include "proxy/base/stats.h"
#include "proxy/session/stage.h"

namespace postigo {

class Handshake : public Stage {
 public:
  explicit Handshake(Session& session) : Stage(session) {}

  void start(Bytes received);  // `received`: what came ahead, and is the beginning of TLS

  void received(Bytes) override {}  // before secured(): with a record that is broken
  void client_failed(const std::string& why) override;
  void secured() override;
  void deadline() override;

 private:
  virtual void go_on();
  void count();
  ListenerStats& numbers();

  uint64_t start_us_ = 0;
};

// After STARTTLS.
class StartTls final : public Handshake {
 public:
  StartTls(Session& session, std::unique_ptr<Stage> login) : Handshake(session), login_(std::move(login)) {}

  void farewell(Farewell why) override { login_->farewell(why); }
  size_t held() const override { return login_->held(); }
  void sum_up(Summary& summary) const override { login_->sum_up(summary); }
  void abandon() override { login_->abandon(); }

 private:
  void go_on() override;

  std::unique_ptr<Stage> login_;  // null when it goes on
};

}  // namespace postigo
