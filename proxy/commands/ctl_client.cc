// Not here: which verb is asked for, and what is done with the answer (ctl.cc).
#include "proxy/commands/ctl_client.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>

#include "backends/work/descriptor.h"
#include "config/doors.h"
#include "config/units.h"
#include "parser/base/ascii.h"
#include "proxy/ops/unix_socket.h"

namespace postigo::commands {
namespace {

constexpr time_t kPatienceS = 150;  // longer than the server gives its verbs
constexpr time_t kConnectS = 5;     // to one address

// Connects to the first address that answers.
Result<int> connect_tcp(const config::Endpoint& endpoint, const std::string& url) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  int failed = getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found);
  if (failed != 0) return fail(fmt::format("cannot connect to {}: {}", url, gai_strerror(failed)));
  int error = 0;
  int connected = -1;
  for (addrinfo* each = found; each != nullptr && connected < 0; each = each->ai_next) {
    Descriptor fd(::socket(each->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    timeval patience{kConnectS, 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd.get(), each->ai_addr, each->ai_addrlen) == 0) connected = fd.release();
    error = errno == EINPROGRESS ? ETIMEDOUT : errno;
  }
  freeaddrinfo(found);
  if (connected >= 0) return connected;
  return fail(fmt::format("cannot connect to {}: {}", url, std::strerror(error)));
}

Result<int> connect_to(const Place& place) {
  if (place.url.empty()) return connect_unix(place.socket);
  auto endpoint = config::parse_url(place.url);
  if (!endpoint) return tl::unexpected(endpoint.error());
  return connect_tcp(*endpoint, place.url);
}

std::string request_of(const Place& place, const Ask& what) {
  std::string host = "postigo";
  if (!place.url.empty()) host = config::format_endpoint(*config::parse_url(place.url));
  std::string head = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", what.method, what.target, host);
  if (!place.token.empty()) head += fmt::format("Authorization: Bearer {}\r\n", place.token.reveal());
  if (what.method == "POST") {
    head += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", what.body.size());
  }
  return head + "\r\n" + what.body;
}

Result<std::string> converse(const Place& place, const std::string& request) {
  const std::string& where = place.url.empty() ? place.socket : place.url;
  auto connected = connect_to(place);
  if (!connected) return tl::unexpected(connected.error());
  Descriptor fd(*connected);
  timeval patience{kPatienceS, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  for (size_t sent = 0; sent < request.size();) {
    ssize_t count = send(fd.get(), request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) break;  // what it has answered meanwhile says why
    sent += static_cast<size_t>(count);
  }
  std::string heard;
  char piece[16384];
  ssize_t count = 0;
  while ((count = recv(fd.get(), piece, sizeof(piece), 0)) > 0) heard.append(piece, static_cast<size_t>(count));
  if (count < 0 && heard.empty()) return fail(fmt::format("no answer from {}: {}", where, std::strerror(errno)));
  if (!heard.empty()) return heard;
  const char* why = place.url.empty() ? "only root and the server's user and group may ask" : "is it postigo?";
  return fail(fmt::format("{} let us in and said nothing: {}", where, why));
}

std::string field_of(std::string_view head, std::string_view name) {
  while (!head.empty()) {
    size_t end = head.find("\r\n");
    std::string_view line = head.substr(0, end);
    head.remove_prefix(end == std::string_view::npos ? head.size() : end + 2);
    size_t colon = line.find(": ");
    if (colon != std::string_view::npos && equal_ignoring_case(line.substr(0, colon), name)) {
      return std::string(line.substr(colon + 2));
    }
  }
  return {};
}

}  // namespace

std::string encoded(std::string_view text) {
  std::string out;
  for (char c : text) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 std::string_view("-._~").find(c) != std::string_view::npos;
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

Result<Answer> ask(const Place& place, const Ask& what) {
  auto heard = converse(place, request_of(place, what));
  if (!heard) return tl::unexpected(heard.error());
  size_t head = heard->find("\r\n\r\n");
  if (!heard->starts_with("HTTP/1.1 ") || head == std::string::npos) return fail("the answer is not HTTP");
  Answer answer;
  answer.status = std::atoi(heard->c_str() + 9);
  answer.version = field_of(std::string_view(*heard).substr(0, head), "Postigo-Version");
  answer.body = Json::parse(heard->substr(head + 4), nullptr, false);
  if (answer.body.is_object()) return answer;
  if (answer.status == 200) return fail("the answer is not JSON, or not all of it came");
  answer.body = {{"error", heard->substr(head + 4, heard->find('\n', head + 4) - head - 4)}};
  return answer;
}

}  // namespace postigo::commands
