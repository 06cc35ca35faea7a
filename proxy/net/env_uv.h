// EnvUv: backends/'s view of the world over a worker's loop, mailbox and the process's thread pools.
#pragma once

#include <memory>

#include "backends/env.h"
#include "backends/work/offload.h"
#include "proxy/base/mailbox.h"
#include "proxy/net/http_client.h"
#include "proxy/net/loop.h"

namespace postigo {

class EnvUv final : public Env {
 public:
  // All outlive it. `mailbox` is held weakly by jobs on other threads: they may finish after the worker is gone.
  EnvUv(Loop& loop, std::shared_ptr<Mailbox> mailbox, Offload& lookups, Offload& passwords, HttpClient& http)
      : loop_(loop), mailbox_(std::move(mailbox)), lookups_(lookups), passwords_(passwords), http_(http) {}

  uint64_t now_ms() const override { return loop_.now_ms(); }
  uint64_t unix_time_s() const override;
  void random(std::span<unsigned char> to) override;
  Ticket defer(std::function<void()> then) override;
  Ticket after(uint64_t delay_ms, std::function<void()> then) override;
  Result<Ticket> offload(Pool pool, Turn turn, std::function<void()> work, std::function<void()> done) override;
  Result<Ticket> offload(const std::shared_ptr<Offload>& threads, Turn turn, std::function<void()> work,
                         std::function<void()> done) override;
  Ticket fetch(HttpRequest request, std::function<void(HttpAnswer)> then) override;

 private:
  Loop& loop_;
  std::shared_ptr<Mailbox> mailbox_;
  Offload& lookups_;
  Offload& passwords_;
  HttpClient& http_;
};

}  // namespace postigo
