// Version 2: sixteen octets, addresses by family, and types with lengths and values (TLVs). No length is believed
// beyond what is there. Not here: the line of version 1 (v1.cc).
#include <algorithm>
#include <charconv>

#include "parser/proxy_protocol/wire.h"

namespace postigo::proxy_protocol {
namespace {

uint8_t octet(Bytes in, size_t at) { return static_cast<uint8_t>(in[at]); }
uint16_t number16(Bytes in, size_t at) { return static_cast<uint16_t>(octet(in, at) << 8 | octet(in, at + 1)); }
uint32_t number32(Bytes in, size_t at) {
  return static_cast<uint32_t>(number16(in, at)) << 16 | static_cast<uint32_t>(number16(in, at + 2));
}

// One off the front; false if it is not whole.
bool take_tlv(Bytes& in, Type& type, Bytes& value) {
  if (in.size() < 3) return false;
  size_t size = number16(in, 1);
  if (in.size() - 3 < size) return false;
  type = static_cast<Type>(octet(in, 0));
  value = in.substr(3, size);
  in.remove_prefix(3 + size);
  return true;
}

const char* read_ssl(Bytes in, Header& header) {
  if (in.size() < 5) return "SSL is too short";
  Ssl ssl;
  ssl.tls = (octet(in, 0) & kClientSsl) != 0;
  ssl.certificate = (octet(in, 0) & kClientCertificate) != 0;
  ssl.verified = ssl.certificate && number32(in, 1) == 0;
  in.remove_prefix(5);
  while (!in.empty()) {
    Type type;
    Bytes value;
    if (!take_tlv(in, type, value)) return "a TLV in SSL is longer than SSL";
    if (type == Type::ssl_version) ssl.version = value;
    if (type == Type::ssl_cn) ssl.common_name = value;
    if (type == Type::ssl_cipher) ssl.cipher = value;
  }
  header.ssl = std::move(ssl);
  return nullptr;
}

// Somebody else's value of that type is not for us.
void read_hops(Bytes in, Header& header) {
  if (!in.starts_with(kHopsBegin)) return;
  in.remove_prefix(kHopsBegin.size());
  uint8_t hops = 0;
  auto [end, error] = std::from_chars(in.data(), in.data() + in.size(), hops);
  if (error == std::errc() && end == in.data() + in.size()) header.hops_left = hops;
}

// A name has 255 octets at most (RFC 7301 3.1). It is for logs and for the next one: what no protocol is called is not
// there, and the header is good all the same.
bool is_alpn(Bytes name) {
  return name.size() <= kAlpnMax && std::all_of(name.begin(), name.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// Of the whole header, with zeros where the sum itself stands (2.2.3). `sum` points into `header`.
bool sum_is_right(Bytes header, Bytes sum) {
  constexpr Bytes kZeros{"\0\0\0\0", 4};
  auto at = static_cast<size_t>(sum.data() - header.data());
  return crc32c(header.substr(at + 4), crc32c(kZeros, crc32c(header.substr(0, at)))) == number32(sum, 0);
}

// Null, or what is wrong.
const char* read_tlvs(Bytes whole, Bytes in, Header& header) {
  while (!in.empty()) {
    Type type;
    Bytes value;
    if (!take_tlv(in, type, value)) return "a TLV is longer than the header";
    if (type == Type::alpn) header.alpn = is_alpn(value) ? value : Bytes();
    if (type == Type::authority) header.authority = value;
    if (type == Type::hops) read_hops(value, header);
    if (type == Type::unique_id && value.size() > kUniqueIdMax) return "UNIQUE_ID is longer than 128 octets";
    if (type == Type::unique_id) header.unique_id = value;
    if (type == Type::crc32c && value.size() != 4) return "CRC32C has not four octets";
    if (type == Type::crc32c && !sum_is_right(whole, value)) return "CRC32C does not match";
    if (type != Type::ssl) continue;
    if (const char* why = read_ssl(value, header)) return why;
  }
  return nullptr;
}

void read_endpoints(Bytes in, size_t size, Header& header) {
  std::copy_n(in.begin(), size, header.source.address.begin());
  std::copy_n(in.begin() + static_cast<ptrdiff_t>(size), size, header.destination.address.begin());
  header.source.port = number16(in, 2 * size);
  header.destination.port = number16(in, 2 * size + 2);
}

// What the octet of family and transport (2.2) stands for: how long its addresses are, and whether they tell of a
// client of ours. Datagrams and sockets in a file system do not.
struct Transport {
  uint8_t octet;
  Header::Family family;
  size_t size;
};
constexpr auto kTransports = std::to_array<Transport>({
    {0x00, Header::Family::none, 0},
    {0x11, Header::Family::ipv4, 12},
    {0x12, Header::Family::none, 12},
    {0x21, Header::Family::ipv6, 36},
    {0x22, Header::Family::none, 36},
    {0x31, Header::Family::none, 216},
    {0x32, Header::Family::none, 216},
});

}  // namespace

Parsed parse_v2(Bytes in) {
  if (in.size() > 12 && octet(in, 12) >> 4 != 2) return bad("neither version 1 nor 2");
  if (in.size() > 12 && (octet(in, 12) & 15) > 1) return bad("neither LOCAL nor PROXY");
  if (in.size() < kFixedSize) return {};
  size_t size = number16(in, 14);
  if (size > kV2BodyMax) return bad("the header is too long");
  if (in.size() - kFixedSize < size) return {};
  Parsed result{Parsed::State::done, kFixedSize + size, ""};
  result.header.local = (octet(in, 12) & 15) == 0;
  if (result.header.local) return result;  // the rest is to be ignored
  auto transport = std::find_if(kTransports.begin(), kTransports.end(),
                                [in](const Transport& each) { return each.octet == octet(in, 13); });
  if (transport == kTransports.end()) return bad("an unknown family or transport");
  if (size < transport->size) return bad("too short for its addresses");
  Bytes whole = in.substr(0, result.consumed);
  Bytes body = whole.substr(kFixedSize);
  result.header.family = transport->family;
  if (transport->family != Header::Family::none) {
    read_endpoints(body, transport->family == Header::Family::ipv4 ? 4 : 16, result.header);
  }
  const char* why = read_tlvs(whole, body.substr(transport->size), result.header);
  return why == nullptr ? result : bad(why);
}

uint32_t crc32c(Bytes in, uint32_t sum) {
  sum = ~sum;
  for (char c : in) {
    sum ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ (0x82f63b78u & (0u - (sum & 1u)));
  }
  return ~sum;
}

}  // namespace postigo::proxy_protocol
