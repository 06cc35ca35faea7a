// Admin: the HTTP server for machines that watch us: /metrics, /healthz, /readyz. Reading only.
//
// civetweb (which prometheus-cpp brings) on its own threads; nothing here touches a worker's loop.
#pragma once

#include <memory>
#include <string>

#include "config/config.h"
#include "parser/base/result.h"
#include "proxy/ops/metrics.h"

namespace postigo {

class Admin {
 public:
  // Binds and starts to serve. /readyz says 503 until set_ready(true) and again after set_ready(false).
  static Result<std::unique_ptr<Admin>> start(const config::Endpoint& address, std::shared_ptr<Metrics> metrics);
  ~Admin();
  void set_ready(bool ready);

 private:
  struct Server;
  explicit Admin(std::unique_ptr<Server> server);
  std::unique_ptr<Server> server_;
};

}  // namespace postigo
