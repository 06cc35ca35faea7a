// nginx's auth_http, as its mail proxy asks and understands: all is in headers, and the answer's status and body say
// nothing. What we are stricter in: without "Auth-Status: OK" nobody comes in.
//
//   asked     GET with Auth-Method, Auth-User, Auth-Pass, Auth-Protocol, Auth-Login-Attempt, Client-IP, Auth-SSL,
//             Auth-SSL-Protocol, Auth-SSL-Cipher
//   answered  Auth-Status: OK, WAIT, or why not; Auth-Server, Auth-Port, Auth-User, Auth-Pass, Auth-Wait,
//             Auth-Error-Code
#include <utility>

#include "backends/addresses.h"
#include "backends/directory/drivers/http.h"
#include "parser/base/ascii.h"

namespace postigo {
namespace {

// Control characters, blanks and percent signs, as nginx does it; all other octets stay.
std::string escaped(std::string_view text) {
  std::string result;
  reserve_wiping(result, text.size() * 3);
  for (char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet > ' ' && c != '%') {
      result += c;
      continue;
    }
    result += '%';
    result += upper(hex(octet, 2));
  }
  return result;
}

// It has no word for "who is known?": who asks without a password has proven himself otherwise, or is nobody's.
std::string method(Want want, const Query& query) {
  if (want == Want::verdict) return "plain";
  return query.mechanism == "EXTERNAL" ? "external" : "none";
}

void ask_nginx(const HttpTerms&, Want want, const Query& query, HttpRequest& request) {
  request.method = "GET";
  request.head_alone = true;
  auto& headers = request.headers;
  headers.emplace_back("Auth-Method", method(want, query));
  headers.emplace_back("Auth-User", escaped(query.user));
  headers.emplace_back("Auth-Pass", want == Want::verdict ? escaped(query.password.reveal()) : std::string());
  headers.emplace_back("Auth-Protocol", query.protocol);
  headers.emplace_back("Auth-Login-Attempt", std::to_string(query.circumstances ? query.circumstances->attempt : 1));
  headers.emplace_back("Client-IP", query.client_ip);
  if (!query.circumstances || !query.circumstances->tls) return;
  const Circumstances& how = *query.circumstances;
  headers.emplace_back("Auth-SSL", "on");
  if (!how.tls_protocol.empty()) headers.emplace_back("Auth-SSL-Protocol", escaped(how.tls_protocol));
  if (!how.tls_cipher.empty()) headers.emplace_back("Auth-SSL-Cipher", escaped(how.tls_cipher));
}

HttpOpinion refused(std::string_view status, Want want, const Query& query, const HttpAnswer& answer) {
  HttpOpinion opinion;
  opinion.detail = "it says " + told(status, query);
  // Of SMTP's codes those that begin with 4 mean "not now". Whoever is asked without a password may have missed it.
  const bool later = header_of(answer, "auth-error-code").starts_with('4') || want == Want::placement;
  opinion.verdict = later ? Verdict::try_later : Verdict::bad_credentials;
  return opinion;
}

HttpOpinion understand_nginx(const HttpTerms&, Want want, const Query& query, const HttpAnswer& answer) {
  const std::string_view status = header_of(answer, "auth-status");
  HttpOpinion opinion;
  if (status.empty()) {
    opinion.detail = "no Auth-Status in an answer with status " + std::to_string(answer.status);
    return opinion;
  }
  if (status != "OK" && status != "WAIT") opinion = refused(status, want, query, answer);
  opinion.wait_ms = seconds_to_ms(header_of(answer, "auth-wait"));
  opinion.ask_again = status == "WAIT";
  if (status != "OK") return opinion;
  opinion.wait_ms = 0;  // as with nginx, who is let in waits for nothing
  opinion.verdict = Verdict::ok;
  opinion.entry.name = query.user;
  const std::string_view user = header_of(answer, "auth-user");
  if (!user.empty() && user != query.user) opinion.entry.backend_user = user;
  opinion.entry.backend_password = Secret(header_of(answer, "auth-pass"));
  const std::string_view server = header_of(answer, "auth-server");
  if (!server.empty()) opinion.entry.backend = address_text(server, header_of(answer, "auth-port"));
  return opinion;
}

bool can_nginx(Want want) { return want == Want::verdict || want == Want::placement || want == Want::account; }

}  // namespace

const HttpDialect kHttpNginx{config::HttpDirectory::Dialect::nginx, ask_nginx, understand_nginx, can_nginx};

}  // namespace postigo
