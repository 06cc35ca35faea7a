// LineWriter: where lines of the log go: a descriptor, one write per line.
//
// With `priorities` each line begins with "<N>", which journald takes off again (sd-daemon(3)). Not thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "config/config.h"
#include "proxy/base/line_sink.h"

namespace postigo::log {

class LineWriter final : public LineSink {
 public:
  // `owned`: closed with this object.
  LineWriter(int fd, bool owned, bool priorities) : fd_(fd), owned_(owned), priorities_(priorities) {}
  ~LineWriter() override;

  // REQUIRES: `line` ends with a newline.
  bool write(config::Log::Level level, std::string_view line) override;

  // True if `fd` is the stream that systemd gave to this process: JOURNAL_STREAM is "device:inode" of it.
  static bool is_journal(int fd, const char* journal_stream);

 private:
  bool write_all(std::string_view text);

  std::string marked_;  // the last line that something stood in front of, kept for its memory
  int fd_;
  bool owned_;
  bool priorities_;
  bool stuck_ = false;  // the last line was not taken: no patience with the next one
  bool torn_ = false;   // the last line is there in part: the next one begins on a line of its own
};

}  // namespace postigo::log
