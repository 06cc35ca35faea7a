// A small name server on loopback, UDP and TCP, on a thread of its own: it says of each name what the test wants, late,
// truncated or not at all, and counts what it was asked.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace postigo {

class DnsServer {
 public:
  struct Record {
    std::vector<std::string> addresses = {};  // of both kinds
    uint32_t ttl_s = 60;
    int rcode = 0;  // 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED
    bool silent = false;
    bool silent_aaaa = false;  // some servers drop questions for AAAA
    bool truncated = false;    // over UDP
    int delay_ms = 0;
    struct Service {
      uint16_t priority, weight, port;
      std::string host;
    };
    std::vector<Service> services = {};  // SRV records
    std::string alias = {};              // a CNAME before the addresses, with TTL `ttl_s`; theirs is 1000
  };

  DnsServer() {
    while (tcp_ < 0) {  // until a port is free for both
      if (udp_ >= 0) close(udp_);
      udp_ = bound(SOCK_DGRAM, 0);
      sockaddr_in address{};
      socklen_t size = sizeof(address);
      getsockname(udp_, reinterpret_cast<sockaddr*>(&address), &size);
      port_ = ntohs(address.sin_port);
      tcp_ = bound(SOCK_STREAM, port_);
    }
    EXPECT_EQ(listen(tcp_, 16), 0);
    thread_ = std::thread([this] { run(); });
  }
  ~DnsServer() {
    stop_ = true;
    thread_.join();
    close(udp_);
    close(tcp_);
  }
  DnsServer(const DnsServer&) = delete;

  uint16_t port() const { return port_; }
  // A name that was never told is NXDOMAIN.
  void tell(const std::string& name, Record record) {
    std::lock_guard lock(mutex_);
    records_[name] = std::move(record);
  }
  // Questions for A or SRV, which come once per look-up; with `tcp` only those over TCP.
  int asked(const std::string& name, bool tcp = false) {
    std::lock_guard lock(mutex_);
    return (tcp ? asked_tcp_ : asked_)[name];
  }

 private:
  struct Late {
    std::chrono::steady_clock::time_point at;
    sockaddr_in to;
    std::string message;
  };
  static constexpr size_t kHeader = 12;
  static constexpr int kA = 1, kCname = 5, kAaaa = 28, kSrv = 33;

  static int bound(int type, uint16_t port) {
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) return fd;
    close(fd);
    return -1;
  }
  static void put(std::string& to, uint32_t value, int octets) {
    while (octets-- > 0) to += static_cast<char>(value >> (8 * octets) & 255);
  }
  static int at(const std::string& from, size_t place) { return static_cast<unsigned char>(from[place]); }

  void run() {
    while (!stop_) {
      pollfd ready[2] = {{udp_, POLLIN, 0}, {tcp_, POLLIN, 0}};
      poll(ready, 2, 5);
      if (ready[0].revents != 0) datagram();
      if (ready[1].revents != 0) connection();
      send_late();
    }
  }
  void datagram() {
    char buffer[2048];
    Late late{};
    socklen_t size = sizeof(late.to);
    ssize_t count = recvfrom(udp_, buffer, sizeof(buffer), 0, reinterpret_cast<sockaddr*>(&late.to), &size);
    if (count < static_cast<ssize_t>(kHeader)) return;
    int delay_ms = 0;
    late.message = answer(std::string(buffer, static_cast<size_t>(count)), false, delay_ms);
    late.at = std::chrono::steady_clock::now() + std::chrono::milliseconds(delay_ms);
    if (!late.message.empty()) late_.push_back(std::move(late));
  }
  void send_late() {
    auto now = std::chrono::steady_clock::now();
    std::erase_if(late_, [&](const Late& each) {
      if (each.at > now) return false;
      sendto(udp_, each.message.data(), each.message.size(), 0, reinterpret_cast<const sockaddr*>(&each.to),
             sizeof(each.to));
      return true;
    });
  }
  // Questions over one connection until the other side leaves.
  void connection() {
    int fd = accept(tcp_, nullptr, nullptr);
    timeval patience{2, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    unsigned char length[2];
    while (recv(fd, length, 2, MSG_WAITALL) == 2) {
      std::string question(static_cast<size_t>(length[0] * 256 + length[1]), '\0');
      if (recv(fd, question.data(), question.size(), MSG_WAITALL) != static_cast<ssize_t>(question.size())) break;
      int delay_ms = 0;
      std::string message = answer(question, true, delay_ms);
      std::string framed;
      put(framed, static_cast<uint32_t>(message.size()), 2);
      framed += message;
      if (send(fd, framed.data(), framed.size(), MSG_NOSIGNAL) < 0) break;
    }
    close(fd);
  }

  std::string answer(const std::string& question, bool tcp, int& delay_ms) {
    std::string name;
    size_t place = kHeader;
    while (place < question.size() && at(question, place) != 0) {
      size_t size = static_cast<size_t>(at(question, place));
      if (!name.empty()) name += '.';
      name += question.substr(place + 1, size);
      place += size + 1;
    }
    int type = at(question, place + 1) * 256 + at(question, place + 2);
    Record record = find(name, type, tcp);
    if (record.silent || (record.silent_aaaa && type == kAaaa)) return {};
    delay_ms = record.delay_ms;
    bool cut = record.truncated && !tcp;
    std::string records;
    uint32_t count = 0;
    if (!record.alias.empty()) add_alias(records, count, record);
    for (const std::string& text : record.addresses) {
      if (!cut) add_address(records, count, record, type, text);
    }
    for (const Record::Service& service : record.services) {
      if (!cut && type == kSrv) add_service(records, count, record, service);
    }
    std::string message = question.substr(0, 2);
    put(message, 0x8180U | (cut ? 0x0200U : 0U) | static_cast<uint32_t>(record.rcode), 2);
    put(message, 1, 2);
    put(message, count, 2);
    put(message, 0, 4);
    return message + question.substr(kHeader, place + 5 - kHeader) + records;
  }
  Record find(const std::string& name, int type, bool tcp) {
    std::lock_guard lock(mutex_);
    if (type == kA || type == kSrv) ++(tcp ? asked_tcp_ : asked_)[name];
    auto found = records_.find(name);
    if (found != records_.end()) return found->second;
    Record none;
    none.rcode = 3;
    return none;
  }
  static void add_alias(std::string& to, uint32_t& count, const Record& record) {
    put(to, 0xc00c, 2);  // the name of the question
    put(to, kCname, 2);
    put(to, 1, 2);
    put(to, record.ttl_s, 4);
    put(to, static_cast<uint32_t>(record.alias.size()) + 2, 2);
    encode(to, record.alias);
    ++count;
  }
  static void add_address(std::string& to, uint32_t& count, const Record& record, int type, const std::string& text) {
    bool six = text.find(':') != std::string::npos;
    if (six != (type == kAaaa)) return;
    record.alias.empty() ? put(to, 0xc00c, 2) : encode(to, record.alias);
    put(to, static_cast<uint32_t>(type), 2);
    put(to, 1, 2);
    put(to, record.alias.empty() ? record.ttl_s : 1000, 4);
    put(to, six ? 16 : 4, 2);
    char octets[16];
    inet_pton(six ? AF_INET6 : AF_INET, text.c_str(), octets);
    to.append(octets, six ? 16 : 4);
    ++count;
  }
  static void add_service(std::string& to, uint32_t& count, const Record& record, const Record::Service& service) {
    std::string name;
    for (size_t begin = 0; begin < service.host.size();) {
      size_t end = std::min(service.host.find('.', begin), service.host.size());
      put(name, static_cast<uint32_t>(end - begin), 1);
      name += service.host.substr(begin, end - begin);
      begin = end + 1;
    }
    name += '\0';
    put(to, 0xc00c, 2);
    put(to, kSrv, 2);
    put(to, 1, 2);
    put(to, record.ttl_s, 4);
    put(to, static_cast<uint32_t>(name.size()) + 6, 2);
    put(to, service.priority, 2);
    put(to, service.weight, 2);
    put(to, service.port, 2);
    to += name;
    ++count;
  }
  static void encode(std::string& to, const std::string& label) {  // a name of one label
    put(to, static_cast<uint32_t>(label.size()), 1);
    to += label;
    to += '\0';
  }

  int udp_ = -1, tcp_ = -1;
  uint16_t port_ = 0;
  std::mutex mutex_;
  std::map<std::string, Record> records_;
  std::map<std::string, int> asked_, asked_tcp_;
  std::vector<Late> late_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace postigo
