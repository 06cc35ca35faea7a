// Writing lines to a descriptor, so that it is known which ones were not written. Not here: what a line looks like and
// who may write (log.cc), datagrams (datagram_writer.cc).
#include "proxy/base/line_writer.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

namespace postigo::log {
namespace {

constexpr int kPatienceMs = 100;  // for a full pipe that somebody made non-blocking: all workers wait meanwhile
constexpr std::array<std::string_view, 4> kPriorities = {"<7>", "<6>", "<4>", "<3>"};  // by level (RFC 5424 6.2.1)

bool writable_within(int fd, int ms) {
  pollfd waiting{fd, POLLOUT, 0};
  return poll(&waiting, 1, ms) == 1 && (waiting.revents & POLLOUT) != 0;
}

}  // namespace

LineWriter::~LineWriter() {
  if (owned_) ::close(fd_);
}

bool LineWriter::is_journal(int fd, const char* journal_stream) {
  struct stat facts {};
  if (journal_stream == nullptr || fstat(fd, &facts) != 0) return false;
  return fmt::format("{}:{}", facts.st_dev, facts.st_ino) == journal_stream;
}

bool LineWriter::write(config::Log::Level level, std::string_view line) {
  if (!torn_ && !priorities_) return write_all(line);
  marked_.clear();
  if (torn_) marked_ += '\n';
  if (priorities_) marked_ += kPriorities[static_cast<size_t>(level)];
  marked_ += line;
  return write_all(marked_);
}

bool LineWriter::write_all(std::string_view text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    ssize_t count = ::write(fd_, rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN && writable_within(fd_, stuck_ ? 0 : kPatienceMs)) continue;
    if (count < 0) break;
    rest.remove_prefix(static_cast<size_t>(count));
  }
  if (rest.size() < text.size()) torn_ = !rest.empty();
  stuck_ = !rest.empty();
  return !stuck_;
}

}  // namespace postigo::log
