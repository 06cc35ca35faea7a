// `postigo ctl`: a thin client of the admin API: a verb becomes a request, its answer a table or lines. Knows no verb
// by name.
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <ostream>

#include "config/load.h"
#include "parser/base/ascii.h"
#include "proxy/base/descriptor.h"
#include "proxy/commands/commands.h"
#include "proxy/ops/unix_socket.h"
#include "proxy/ops/verbs.h"

namespace postigo::commands {
namespace {

using Json = nlohmann::ordered_json;

constexpr time_t kPatienceS = 150;  // longer than the server gives its verbs

struct Answer {
  int status = 0;
  Json body;
};

std::string encoded(std::string_view text) {
  std::string out;
  for (char c : text) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 std::string_view("-._~").find(c) != std::string_view::npos;
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string request_of(const Verb& verb, const CtlOptions& options) {
  std::string path = fmt::format("/api/v1/{}", verb.name);
  if (!verb.changes) {
    char mark = '?';
    for (const auto& [name, value] : options.parameters) {
      path += fmt::format("{}{}={}", mark, name, encoded(value));
      mark = '&';
    }
    return fmt::format("GET {} HTTP/1.1\r\nHost: postigo\r\n\r\n", path);
  }
  Json body = Json::object();
  for (const auto& [name, value] : options.parameters) body[name] = value;
  std::string text = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  return fmt::format(
      "POST {} HTTP/1.1\r\nHost: postigo\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}", path,
      text.size(), text);
}

Result<std::string> exchange(const std::string& socket, const std::string& request) {
  auto connected = connect_unix(socket);
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
  if (count < 0 && heard.empty()) return fail(fmt::format("no answer from {}: {}", socket, std::strerror(errno)));
  if (heard.empty())
    return fail(
        fmt::format("{} let us in and said nothing: only root and the server's user and group may ask", socket));
  return heard;
}

Result<Answer> ask(const std::string& socket, const std::string& request) {
  auto heard = exchange(socket, request);
  if (!heard) return tl::unexpected(heard.error());
  size_t head = heard->find("\r\n\r\n");
  if (!heard->starts_with("HTTP/1.1 ") || head == std::string::npos) return fail("the answer is not HTTP");
  Answer answer;
  answer.status = std::atoi(heard->c_str() + 9);
  answer.body = Json::parse(heard->substr(head + 4), nullptr, false);
  if (answer.body.is_discarded() || !answer.body.is_object())
    return fail("the answer is not JSON, or not all of it came");
  return answer;
}

std::string cell(const Json& value) {
  if (value.is_string()) return printable(value.get<std::string>(), 4096);
  if (value.is_number_float()) return fmt::format("{:.1f}", value.get<double>());
  return value.dump();
}

void print_table(const Json& rows, std::ostream& out) {
  if (rows.empty()) return;
  std::vector<std::string> names;
  std::vector<size_t> widths;
  for (const auto& [name, value] : rows[0].items()) {
    names.push_back(name);
    widths.push_back(name.size());
  }
  for (const Json& row : rows) {
    for (size_t i = 0; i < names.size(); ++i)
      widths[i] = std::max(widths[i], cell(row.value(names[i], Json(""))).size());
  }
  auto line = [&](auto text_of) {
    std::string text;
    for (size_t i = 0; i < names.size(); ++i) text += fmt::format("{:<{}}  ", text_of(i), widths[i]);
    out << text.substr(0, text.find_last_not_of(' ') + 1) << '\n';
  };
  line([&](size_t i) { return names[i]; });
  for (const Json& row : rows) line([&](size_t i) { return cell(row.value(names[i], Json(""))); });
}

void print_item(const std::string& name, const Json& value, std::ostream& out) {
  if (value.is_array() && !value.empty() && value[0].is_object()) return print_table(value, out);
  if (value.is_array()) {
    for (const Json& each : value) out << cell(each) << '\n';
  } else if (value.is_object()) {
    for (const auto& [inner, each] : value.items()) out << name << '.' << inner << ": " << cell(each) << '\n';
  } else if (value.is_string() && value.get<std::string>().find('\n') != std::string::npos) {
    out << value.get<std::string>();  // a text of several lines is all there is
  } else {
    out << name << ": " << cell(value) << '\n';
  }
}

int print(const Answer& answer, const CtlOptions& options, Streams io) {
  if (options.json) io.out << answer.body.dump(2) << '\n';
  bool done = answer.status == 200;
  if (!done) io.err << "postigo ctl: " << printable(answer.body.value("error", "it was refused"), 4096) << '\n';
  if (options.json) return done ? kOk : kFailed;
  for (const auto& [name, value] : answer.body.items()) {
    if (name != "error") print_item(name, value, done ? io.out : io.err);
  }
  return done ? kOk : kFailed;
}

// The socket that the configuration names. Nothing of it is printed but what is wrong.
std::string socket_of(const std::string& file, Streams io) {
  config::Loaded loaded = config::load_file(file);
  for (const config::Problem& problem : loaded.problems) {
    if (problem.fatal) io.err << to_string(problem) << '\n';
  }
  if (!loaded.ok()) return {};
  const std::string& socket = loaded.config.startup.admin.socket;
  if (socket.empty()) io.err << "postigo ctl: " << file << " names no [admin] socket\n";
  return socket;
}

}  // namespace

int ctl(const CtlOptions& options, Streams io) {
  const Verb& verb = *find_verb(options.verb);
  std::string socket = options.socket.empty() ? socket_of(options.file, io) : options.socket;
  if (socket.empty()) return kBadConfiguration;
  auto answer = ask(socket, request_of(verb, options));
  if (answer) return print(*answer, options, io);
  io.err << "postigo ctl: " << answer.error().message << '\n';
  return kFailed;
}

}  // namespace postigo::commands
