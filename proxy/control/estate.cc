// How an estate goes from one process to the next. Not here: who begins, and when (inheritance.cc, succession.cc).
#include "proxy/control/estate.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

#include "proxy/control/records_json.h"
#include "proxy/net/address.h"

namespace postigo {
namespace {

using nlohmann::json;

constexpr size_t kPacketMax = 200;             // descriptors; the kernel takes 253
constexpr size_t kTextMax = 64 * 1024 * 1024;  // more is not ours

tl::unexpected<Error> failed(const char* what) {
  return fail(fmt::format("the estate: {}: {}", what, errno != 0 ? std::strerror(errno) : "it was cut off"));
}

bool send_packet(int conversation, std::span<const int> fds) {
  char octet = 'E';
  iovec part{&octet, 1};
  std::vector<char> room(CMSG_SPACE(fds.size_bytes()));
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = room.data();
  message.msg_controllen = room.size();
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(fds.size_bytes());
  std::memcpy(CMSG_DATA(head), fds.data(), fds.size_bytes());
  return sendmsg(conversation, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

// False if nothing more comes. What came is appended to `fds`.
bool receive_packet(int conversation, std::vector<Descriptor>& fds) {
  char octet = 0;
  iovec part{&octet, 1};
  std::vector<char> room(CMSG_SPACE(kPacketMax * sizeof(int)));
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = room.data();
  message.msg_controllen = room.size();
  errno = 0;
  if (recvmsg(conversation, &message, MSG_CMSG_CLOEXEC) != 1) return false;
  for (cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr; head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
    for (size_t at = 0; CMSG_LEN(at) < head->cmsg_len; at += sizeof(int)) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(head) + at, sizeof(fd));
      fds.emplace_back(fd);
    }
  }
  return (message.msg_flags & MSG_CTRUNC) == 0;
}

json octets(std::string_view text) { return json::binary({text.begin(), text.end()}); }

// Empty if there is none.
std::string octets_in(const json& described, const char* name) {
  if (!described.contains(name)) return {};
  const auto& octets = described.at(name).get_binary();
  return {octets.begin(), octets.end()};
}

json described(const Estate& estate, size_t descriptors) {
  json keys = json::array();
  for (const TicketKeys::Key& key : estate.keys) {
    keys.push_back({{"name", json::binary({key.name.begin(), key.name.end()})},
                    {"secret", json::binary({key.secret.begin(), key.secret.end()})},
                    {"born_ms", key.born_ms}});
  }
  json all = {{"sockets", descriptors},  {"keys", std::move(keys)},       {"names", estate.names},
              {"orders", estate.orders}, {"bonds", octets(estate.bonds)}, {"penalties", octets(estate.penalties)}};
  if (!estate.services.empty()) all["services"] = json_of<json>(estate.services);
  if (estate.key) all["key"] = octets(std::string_view(reinterpret_cast<const char*>(&*estate.key), sizeof(SipKey)));
  return all;
}

// Nothing if it is no key of our kind: it must not become one of zeros.
std::optional<TicketKeys::Key> key_of(const json& described) {
  TicketKeys::Key key{};
  const auto& name = described.at("name").get_binary();
  const auto& secret = described.at("secret").get_binary();
  if (name.size() != key.name.size() || secret.size() != key.secret.size()) return std::nullopt;
  std::copy(name.begin(), name.end(), key.name.begin());
  std::copy(secret.begin(), secret.end(), key.secret.begin());
  key.born_ms = described.at("born_ms").get<uint64_t>();
  return key;
}

Descriptor written(const std::vector<uint8_t>& text) {
  Descriptor file(memfd_create("estate", MFD_CLOEXEC));
  bool whole = file.get() >= 0 && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  return whole ? std::move(file) : Descriptor();
}

// Whatever a program of another version may have written.
Result<json> read_description(int file) {
  off_t size = lseek(file, 0, SEEK_END);
  std::vector<uint8_t> text(size > 0 && static_cast<size_t>(size) <= kTextMax ? static_cast<size_t>(size) : 0);
  if (pread(file, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) return failed("reading it");
  json all = json::from_cbor(text, true, false);
  if (!all.is_object() || !all.contains("sockets") || !all["sockets"].is_number_unsigned()) {
    return fail("the estate is not understood");
  }
  return all;
}

// It keeps packets apart; nothing else that goes along does.
bool is_link(int fd) {
  int type = 0;
  socklen_t size = sizeof(type);
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

}  // namespace

Result<void> send_estate(int conversation, const Estate& estate) {
  std::vector<int> fds{-1};
  for (const auto& [name, sockets] : estate.sockets) {
    for (const Descriptor& socket : sockets) fds.push_back(socket.get());
  }
  for (const Descriptor& link : estate.links) fds.push_back(link.get());
  Descriptor file = written(json::to_cbor(described(estate, fds.size() - 1)));
  if (file.get() < 0) return failed("writing it");
  fds.front() = file.get();
  for (size_t at = 0; at < fds.size(); at += kPacketMax) {
    std::span<const int> rest = std::span(fds).subspan(at);
    if (!send_packet(conversation, rest.first(std::min(rest.size(), kPacketMax)))) return failed("sending it");
  }
  return {};
}

Result<Estate> receive_estate(int conversation) {
  std::vector<Descriptor> fds;
  if (!receive_packet(conversation, fds) || fds.empty()) return failed("receiving it");
  auto described = read_description(fds.front().get());
  if (!described) return tl::unexpected(described.error());
  size_t count = described->at("sockets").get<size_t>();
  while (fds.size() < count + 1) {
    if (!receive_packet(conversation, fds)) return failed("receiving it");
  }
  Estate estate;
  for (Descriptor& fd : std::span(fds).subspan(1)) {
    if (is_link(fd.get())) {
      estate.links.push_back(std::move(fd));
      continue;
    }
    std::string name = name_of_socket(fd.get());
    if (!name.empty()) estate.sockets[name].push_back(std::move(fd));
  }
  try {
    for (const json& each : described->value("keys", json::array())) {
      if (auto key = key_of(each)) estate.keys.push_back(std::move(*key));
    }
    estate.names = described->value("names", estate.names);
    estate.orders = described->value("orders", "");
    estate.bonds = octets_in(*described, "bonds");
    estate.penalties = octets_in(*described, "penalties");
    if (described->contains("services")) estate.services = records_in(described->at("services"));
    if (std::string key = octets_in(*described, "key"); key.size() == sizeof(SipKey)) {
      std::memcpy(&estate.key.emplace(), key.data(), key.size());
    }
  } catch (const json::exception&) {
    return fail("the estate is not understood");
  }
  return estate;
}

std::string name_of_socket(int fd) {
  int listens = 0;
  socklen_t size = sizeof(listens);
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) return {};
  Address address;
  socklen_t room = Address::kSizeMax;
  if (getsockname(fd, address.data(), &room) != 0) return {};
  if (address.get()->sa_family != AF_UNIX) return address.text();
  sockaddr_un path{};
  room = sizeof(path);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&path), &room) != 0) return {};
  return path.sun_path;
}

}  // namespace postigo
