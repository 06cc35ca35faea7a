// Three read-only pages. Not here: what is measured (metrics.cc).
#include "proxy/ops/admin.h"

#include <CivetServer.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <prometheus/text_serializer.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "proxy/net/address.h"

namespace postigo {
namespace {

struct Page {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

void answer(mg_connection* connection, const Page& page, bool with_body) {
  const char* reason = page.status == 200   ? "OK"
                       : page.status == 503 ? "Service Unavailable"
                       : page.status == 405 ? "Method Not Allowed"
                                            : "Not Found";
  std::string head = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\nConnection: "
      "close\r\n\r\n",
      page.status, reason, page.type, page.body.size());
  mg_write(connection, head.data(), head.size());
  if (with_body) mg_write(connection, page.body.data(), page.body.size());
}

}  // namespace

struct Admin::Server : public CivetHandler {
  std::shared_ptr<Metrics> metrics;
  std::atomic<bool> ready{false};
  std::unique_ptr<CivetServer> http;
  config::Endpoint address;

  Page page(std::string_view path) const {
    if (path == "/metrics") {
      return {200, "text/plain; version=0.0.4; charset=utf-8",
              prometheus::TextSerializer().Serialize(metrics->Collect())};
    }
    if (path == "/healthz") return {200, "text/plain; charset=utf-8", "ok\n"};
    if (path == "/readyz") {
      return ready ? Page{200, "text/plain; charset=utf-8", "ready\n"}
                   : Page{503, "text/plain; charset=utf-8", "not ready\n"};
    }
    if (path == "/") return {200, "text/plain; charset=utf-8", "Postigo: /metrics /healthz /readyz\n"};
    return {404, "text/plain; charset=utf-8", "not found: /metrics /healthz /readyz\n"};
  }
  bool serve(mg_connection* connection, bool with_body) {
    const mg_request_info* request = mg_get_request_info(connection);
    answer(connection, page(request->local_uri), with_body);
    return true;
  }
  bool refuse(mg_connection* connection) {
    answer(connection, {405, "text/plain; charset=utf-8", "read only\n"}, true);
    return true;
  }
  bool handleGet(CivetServer*, mg_connection* connection) override { return serve(connection, true); }
  bool handleHead(CivetServer*, mg_connection* connection) override { return serve(connection, false); }
  bool handlePost(CivetServer*, mg_connection* connection) override { return refuse(connection); }
  bool handlePut(CivetServer*, mg_connection* connection) override { return refuse(connection); }
  bool handleDelete(CivetServer*, mg_connection* connection) override { return refuse(connection); }
  bool handleOptions(CivetServer*, mg_connection* connection) override { return refuse(connection); }
  bool handlePatch(CivetServer*, mg_connection* connection) override { return refuse(connection); }
};

Admin::Admin(std::unique_ptr<Server> server) : server_(std::move(server)) {}
// civetweb looks up from its poll only every two seconds; a connection wakes it.
Admin::~Admin() {
  std::thread closing([this] { server_->http.reset(); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // until it has been told to stop
  int fd = -1;
  if (auto address = Address::parse(server_->address.host, server_->address.port)) {
    fd = socket(address->get()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    socklen_t size = address->get()->sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    if (fd >= 0) connect(fd, address->get(), size);
  }
  closing.join();
  if (fd >= 0) ::close(fd);
}
void Admin::set_ready(bool ready) { server_->ready = ready; }

Result<std::unique_ptr<Admin>> Admin::start(const config::Endpoint& address, std::shared_ptr<Metrics> metrics) {
  bool ipv6 = address.host.find(':') != std::string::npos;
  std::string where =
      ipv6 ? fmt::format("[{}]:{}", address.host, address.port) : fmt::format("{}:{}", address.host, address.port);
  auto server = std::make_unique<Server>();
  server->metrics = std::move(metrics);
  server->address = address;
  std::vector<std::string> options = {"listening_ports",    where,   "num_threads",       "4",
                                      "request_timeout_ms", "10000", "enable_keep_alive", "no"};
  try {
    server->http = std::make_unique<CivetServer>(options);
  } catch (const CivetException&) {
    return fail(fmt::format("admin: cannot listen on {} (in use, or not ours to bind)", where));
  }
  server->http->addHandler("/", server.get());
  return std::unique_ptr<Admin>(new Admin(std::move(server)));
}

}  // namespace postigo
