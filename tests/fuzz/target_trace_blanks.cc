// Whatever a client and its server said before, and wherever the stream is cut: a password in any form of a login is
// not shown, and what is shown does not depend on the cuts.
#include <cstdint>
#include <string>

#include "proxy/session/trace_blanks.h"
#include "tests/fuzz/chunks.h"

namespace {

using namespace postigo;

constexpr std::string_view kSecret = "cAnArY42";

// "@" stands for the secret.
constexpr std::string_view kForms[] = {"a LOGIN fred @",
                                       "a login \"fred\" \"@\"",
                                       "a LOGIN {4+}\r\nfred {8+}\r\n@",
                                       "a LOGIN fred {8}\r\n@",
                                       "a LOGIN {0}\r\n @",
                                       "a AUTHENTICATE PLAIN @",
                                       "a AUTHENTICATE PLAIN\r\n@",
                                       "PASS @",
                                       "AUTH PLAIN @",
                                       "AUTH PLAIN\r\n@",
                                       "APOP fred @"};

std::string login(std::string_view form) {
  std::string text(form);
  return text.replace(text.find('@'), 1, kSecret);
}

// The server speaks when the client has said `before` octets.
std::string shown(Bytes said, size_t before, Bytes server, size_t style, uint64_t seed) {
  fuzz::Decisions decisions(seed);
  TraceBlanks blanks;
  std::string all;
  if (before == 0) blanks.server_said(server);
  for (size_t at = 0; at < said.size();) {
    size_t end = at < before ? before : said.size();
    Bytes piece = said.substr(at, std::min(decisions.chunk(style), end - at));
    all += blanks.show(piece);
    at += piece.size();
    if (at == before) blanks.server_said(server);
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  Bytes text(reinterpret_cast<const char*>(data) + 1, size - 1);
  size_t half = text.find('|');
  Bytes before = text.substr(0, half), server = half == Bytes::npos ? Bytes() : text.substr(half + 1);
  if (text.find(kSecret) != Bytes::npos) return 0;
  std::string_view form = kForms[data[0] % std::size(kForms)];
  std::string said = std::string(before) + "\r\n" + login(form) + "\r\na NOOP\r\n";
  std::string whole = shown(said, before.size(), server, 0, 0);
  // A literal that was announced before may swallow the first line of a login, and the second is none then.
  bool swallowed = before.find('{') != Bytes::npos && login(form).find('\n') != std::string::npos;
  fuzz::check(swallowed || whole.find(kSecret) == std::string::npos, "the password is hidden");
  for (size_t style : {size_t{1}, size_t{3}, size_t{17}})
    fuzz::check(shown(said, before.size(), server, style, size) == whole, "cuts do not matter");
  return 0;
}
