// Which pages there are, and the thread that serves them. Not here: HTTP (http.cc), what is measured (metrics.cc).
#include "proxy/ops/admin.h"

#include <atomic>
#include <thread>

#include "proxy/base/mailbox.h"
#include "proxy/ops/http.h"

namespace postigo {

class Admin::Server {
 public:
  explicit Server(std::shared_ptr<Metrics> metrics)
      : metrics_(std::move(metrics)), loop_(nullptr), mailbox_(loop_.uv()) {}
  ~Server() {
    if (thread_.joinable()) {
      mailbox_.post([this] { close(); });
      thread_.join();
    } else {
      close();
      loop_.run();
    }
    loop_.close();
  }

  Result<void> listen(int fd) {
    auto http = Http::open(loop_, fd, read_only([this](std::string_view path) { return page(path); }));
    if (!http) return tl::unexpected(http.error());
    http_ = std::move(*http);
    return {};
  }
  void start() {
    thread_ = std::thread([this] { loop_.run(); });
  }
  void set_ready(bool ready) { ready_ = ready; }

 private:
  void close() {
    http_.reset();
    mailbox_.close();
    loop_.stop();
  }
  Http::Page page(std::string_view path) const {
    if (path == "/metrics") {
      return {.type = "text/plain; version=0.0.4; charset=utf-8", .body = metrics_->page()};
    }
    if (path == "/healthz") return {.body = "ok\n"};
    if (path == "/readyz")
      return ready_ ? Http::Page{.body = "ready\n"} : Http::Page{.status = 503, .body = "not ready\n"};
    if (path == "/") return {.body = "Postigo: /metrics /healthz /readyz\n"};
    return {.status = 404, .body = "not found: /metrics /healthz /readyz\n"};
  }

  std::shared_ptr<Metrics> metrics_;
  Loop loop_;
  Mailbox mailbox_;
  std::unique_ptr<Http> http_;
  std::atomic<bool> ready_{false};
  std::thread thread_;
};

Admin::Admin(std::unique_ptr<Server> server) : server_(std::move(server)) {}
Admin::~Admin() = default;
void Admin::start() { server_->start(); }
void Admin::set_ready(bool ready) { server_->set_ready(ready); }

Result<std::unique_ptr<Admin>> Admin::open(int fd, std::shared_ptr<Metrics> metrics) {
  auto server = std::make_unique<Server>(std::move(metrics));
  if (auto listens = server->listen(fd); !listens) return tl::unexpected(listens.error());
  return std::unique_ptr<Admin>(new Admin(std::move(server)));
}

}  // namespace postigo
