// A ring behind a lock of its own: it is written as rarely as something is wrong. Not here: the log (log.cc).
#include "proxy/base/log_newest.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <mutex>

#include "proxy/base/line.h"
#include "proxy/base/log_text.h"

namespace postigo::log {
namespace {

std::mutex newest_mutex;
std::deque<NewestLine> newest_lines;  // the newest last

// Never in the middle of a character.
std::string shortened(std::string_view text) {
  if (text.size() <= kNewestOctets) return std::string(text);
  size_t end = kNewestOctets;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

}  // namespace

void keep_newest(const Event& event, const Fields& fields) {
  Line line;
  bool cut = false;
  append_text(line, "", fields, cut);
  std::string_view text = line.view();
  if (text.starts_with(' ')) text.remove_prefix(1);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  NewestLine kept{std::chrono::duration<double>(now).count(), event.level, event.name, shortened(text)};
  std::lock_guard lock(newest_mutex);
  if (newest_lines.size() == kNewestMost) newest_lines.pop_front();
  newest_lines.push_back(std::move(kept));
}

std::vector<NewestLine> newest(size_t most) {
  std::lock_guard lock(newest_mutex);
  const size_t count = std::min(most, newest_lines.size());
  return {newest_lines.rbegin(), newest_lines.rbegin() + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace postigo::log
