// Admin: the pages for machines that watch us: /metrics, /healthz, /readyz. Reading only.
//
// A loop and a thread of its own: a page that takes long stops no session, and a busy worker stops no page.
#pragma once

#include <memory>

#include "parser/base/result.h"
#include "proxy/ops/metrics.h"

namespace postigo {

class Admin {
 public:
  // On a listening socket, which is taken; start() begins to serve. The error is one line.
  static Result<std::unique_ptr<Admin>> open(int fd, std::shared_ptr<Metrics> metrics);
  ~Admin();
  void start();  // once privileges are dropped: the thread has those of this moment
  // /readyz says 503 until set_ready(true) and again after set_ready(false).
  void set_ready(bool ready);

 private:
  class Server;
  explicit Admin(std::unique_ptr<Server> server);
  std::unique_ptr<Server> server_;
};

}  // namespace postigo
