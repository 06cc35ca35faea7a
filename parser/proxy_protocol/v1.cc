// Version 1: one line for people, "PROXY TCP4 192.0.2.1 192.0.2.2 40001 993". Strict: what a line could mean otherwise
// is an address that we would believe. Also here: which version it is. Not here: the binary one (v2.cc).
#include <arpa/inet.h>

#include <charconv>

#include "parser/proxy_protocol/wire.h"

namespace postigo::proxy_protocol {
namespace {

// The word up to the next blank or the end; false if there is none.
bool take(Bytes& in, Bytes& word) {
  size_t end = in.find(' ');
  word = in.substr(0, end);
  in = end == Bytes::npos ? Bytes() : in.substr(end + 1);
  return !word.empty();
}

// inet_pton refuses leading zeros and scopes, and whatever else has two readings.
bool read_address(int family, Bytes word, Endpoint& to) {
  return inet_pton(family, std::string(word).c_str(), to.address.data()) == 1;
}

bool read_port(Bytes word, Endpoint& to) {
  if (word.size() > 1 && word[0] == '0') return false;
  auto [end, error] = std::from_chars(word.begin(), word.end(), to.port);
  return error == std::errc() && end == word.end();
}

}  // namespace

Parsed parse_v1(Bytes in) {
  size_t end = in.substr(0, kV1Max).find("\r\n");
  if (end == Bytes::npos) return in.size() < kV1Max ? Parsed{} : bad("the line is too long");
  Parsed result{Parsed::State::done, end + 2, ""};
  Bytes line = in.substr(kV1Begin.size(), end - kV1Begin.size());
  Bytes word;
  take(line, word);
  if (word == "UNKNOWN") return result;  // whatever follows is to be ignored
  Header& header = result.header;
  header.family = word == "TCP4" ? Header::Family::ipv4 : word == "TCP6" ? Header::Family::ipv6 : Header::Family::none;
  if (header.family == Header::Family::none) return bad("neither TCP4, TCP6 nor UNKNOWN");
  int family = header.family == Header::Family::ipv4 ? AF_INET : AF_INET6;
  bool good = in.substr(0, end).find('\0') == Bytes::npos;
  good = good && take(line, word) && read_address(family, word, header.source);
  good = good && take(line, word) && read_address(family, word, header.destination);
  good = good && take(line, word) && read_port(word, header.source);
  good = good && read_port(line, header.destination);
  return good ? result : bad("not two addresses and two ports");
}

Parsed parse(Bytes in) {
  if (in.starts_with(kV1Begin)) return parse_v1(in);
  if (in.starts_with(kSignature)) return parse_v2(in);
  bool may_be = kV1Begin.starts_with(in) || kSignature.starts_with(in);
  return {may_be ? Parsed::State::more : Parsed::State::absent, 0, ""};
}

}  // namespace postigo::proxy_protocol
