// Not here: connections, bodies (http.cc).
#include "proxy/ops/http_head.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "parser/base/ascii.h"

namespace postigo {
namespace {

std::string_view take_line(std::string_view& text) {
  size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

// Of "/metrics?x=y" and "http://host:9090/metrics?x=y" alike.
void split_target(std::string_view target, HttpHead& head) {
  size_t scheme = target.find("://");
  if (target.front() != '/' && scheme != std::string_view::npos) {
    size_t slash = target.find('/', scheme + 3);
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  size_t mark = target.find('?');
  head.path = target.substr(0, mark);
  if (mark != std::string_view::npos) head.query = target.substr(mark + 1);
}

// RFC 9112 3: one blank between the parts. False if it is no request line of HTTP/1.
bool parse_request_line(std::string_view line, HttpHead& head) {
  size_t first = line.find(' '), last = line.rfind(' ');
  if (first == 0 || first == std::string_view::npos || last <= first + 1) return false;
  head.method = line.substr(0, first);
  std::string_view target = line.substr(first + 1, last - first - 1);
  std::string_view version = line.substr(last + 1);
  bool clean = std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && c < 127; });
  if (!clean || (version != "HTTP/1.1" && version != "HTTP/1.0")) return false;
  split_target(target, head);
  return !head.path.empty();
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

void parse_field(std::string_view line, HttpHead& head) {
  size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  std::string_view name = line.substr(0, colon), value = trimmed(line.substr(colon + 1));
  if (equal_ignoring_case(name, "content-type")) head.content_type = value;
  if (equal_ignoring_case(name, "authorization")) head.authorization = value;
  if (equal_ignoring_case(name, "transfer-encoding")) {
    head.body_fault = 411;
    head.why = "say Content-Length instead of Transfer-Encoding\n";
  }
  if (!equal_ignoring_case(name, "content-length")) return;
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), head.body);
  bool number = error == std::errc() && end == value.data() + value.size();
  if (number && head.body <= kHttpBodyMax) return;
  head.body_fault = number || error == std::errc::result_out_of_range ? 413 : 400;
  head.why = head.body_fault == 413 ? "too long\n" : "bad Content-Length\n";
}

}  // namespace

// A lone LF ends a line too (RFC 9112 2.2).
size_t http_head_size(std::string_view text) {
  size_t crlf = text.find("\n\r\n"), lf = text.find("\n\n");
  if (crlf == std::string_view::npos && lf == std::string_view::npos) return 0;
  return lf < crlf ? lf + 2 : crlf + 3;
}

HttpHead parse_http_head(std::string_view text) {
  HttpHead head;
  if (!parse_request_line(take_line(text), head)) {
    head.fault = 400;
    head.why = "not an HTTP request\n";
    return head;
  }
  while (!text.empty() && head.body_fault == 0) parse_field(take_line(text), head);
  return head;
}

}  // namespace postigo
