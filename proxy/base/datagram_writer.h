// DatagramWriter: lines as datagrams, to a socket of this machine or by UDP. It never waits: a line that the receiver's
// queue has no room for is lost. The address is looked up for each line, so whoever listens may be started again. By
// UDP nobody tells what has arrived. Not thread-safe.
#pragma once

#include <sys/socket.h>

#include <memory>
#include <string>

#include "parser/base/result.h"
#include "proxy/base/line_sink.h"

namespace postigo::log {

// Where datagrams go.
struct Destination {
  sockaddr_storage address{};
  socklen_t size = 0;
};

// `where`: a socket's path, or udp:ADDRESS:PORT with an address in numbers.
Result<Destination> destination(const std::string& where);

// Does somebody listen there? Of UDP nothing is known. Sends nothing.
Result<void> check_listener(const std::string& where);

class DatagramWriter final : public LineSink {
 public:
  // Or why not, in one line.
  static Result<std::unique_ptr<LineSink>> make(const std::string& where);
  ~DatagramWriter() override;

  bool write(config::Log::Level level, std::string_view line) override;

 private:
  DatagramWriter(int fd, const Destination& to) : fd_(fd), to_(to) {}

  int fd_;
  Destination to_;
};

}  // namespace postigo::log
