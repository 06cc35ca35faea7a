// Log lines, and what is counted of them. Not here: which events there are (events.h), what to say, which is for the
// caller, session summaries (session/summary.cc), the text of a line (log_text.cc), the writing (line_writer.cc).
#include "proxy/base/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>

#include "proxy/base/events.h"
#include "proxy/base/line.h"
#include "proxy/base/line_budget.h"
#include "proxy/base/line_writer.h"
#include "proxy/base/log_file.h"
#include "proxy/base/log_text.h"
#include "proxy/base/short_text.h"

namespace postigo::log {
namespace {

constexpr uint64_t kTellMs = 1000;

std::atomic<config::Log::Format> format = config::Log::Format::text;
std::array<std::atomic<uint64_t>, kLevelNames.size()> written{};

struct Lost {
  uint64_t over_limit = 0, unwritten = 0, cut = 0;
  uint64_t total() const { return over_limit + unwritten + cut; }
};
std::atomic<uint64_t> over_limit{0}, unwritten{0}, cut_lines{0};
Lost lost() { return {over_limit, unwritten, cut_lines}; }

std::atomic<Level> lowest{Level::info};
std::mutex mutex;  // of what follows; one line at a time
auto writer = std::make_unique<LineWriter>(STDERR_FILENO, false, false);
LineBudget budget{config::Log().stranger_lines_per_s};
Lost told;
uint64_t told_ms = 0;

std::string_view name_of(Level level) { return kLevelNames[static_cast<size_t>(level)]; }

uint64_t now_ms() {
  auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

// The part up to the seconds is the same for many lines.
void append_now(Line& line) {
  thread_local std::time_t second = -1;
  thread_local ShortText<32> up_to_second;
  auto now = std::chrono::system_clock::now();
  std::time_t now_s = std::chrono::system_clock::to_time_t(now);
  if (now_s != second) {
    second = now_s;
    up_to_second = ShortText<32>(fmt::format("{:%FT%H:%M:%S}.", fmt::gmtime(now_s)));
  }
  line.put(up_to_second);
  append_three(line, static_cast<uint64_t>(now.time_since_epoch() / std::chrono::milliseconds(1)));
  line.put('Z');
}

std::string json(std::string_view time, Level level, std::string_view event, const Fields& fields, bool& cut) {
  nlohmann::ordered_json line;
  line["time"] = time;
  line["level"] = name_of(level);
  line["event"] = event;
  for (const Field& field : fields) {
    std::string key(field.key);
    std::visit(
        [&](auto value) {
          if constexpr (std::is_same_v<decltype(value), std::string_view>) {
            line[key] = printable_value(value, cut);
          } else {
            line[key] = value;
          }
        },
        field.value);
  }
  return line.dump();
}

// The table says which fields an event may bear, and its readers rely on that.
[[maybe_unused]] bool fits(const Event& event, const Fields& fields) {
  std::string known = fmt::format(" {} ", event.fields);
  return std::all_of(fields.begin(), fields.end(), [&](const Field& field) {
    return known.find(fmt::format(" {} ", field.key)) != std::string::npos;
  });
}

void render(Line& line, const Event& event, const Fields& fields) {
  assert(fits(event, fields));
  line.clear();
  bool cut = false;
  append_now(line);
  if (format == config::Log::Format::json) {
    std::string now(line.view());
    line.clear();
    line.put(json(now, event.level, event.name, fields, cut));
  } else {
    line.put(' ', name_of(event.level), ' ');
    append_text(line, event.name, fields, cut);
  }
  line.put('\n');
  if (cut) ++cut_lines;
}

// REQUIRES: mutex is held.
bool put(const Event& event, const Line& line) {
  bool done = writer->write(event.level, line.view());
  ++(done ? written[static_cast<size_t>(event.level)] : unwritten);
  return done;
}

// REQUIRES: mutex is held.
void tell(const Lost& now) {
  if (now.total() == told.total() || !enabled(events::log_incomplete)) return;
  told_ms = now_ms();
  Line line;
  render(line, events::log_incomplete,
         {{"over_limit", now.over_limit - told.over_limit},
          {"unwritten", now.unwritten - told.unwritten},
          {"cut", now.cut - told.cut}});
  if (put(events::log_incomplete, line)) told = now;
}

// Does standard error lead to the journal, or does the operator say so?
bool with_priorities(const config::Log& options) {
  using Priorities = config::Log::Priorities;
  if (options.priorities != Priorities::automatic) return options.priorities == Priorities::always;
  return options.file.empty() && LineWriter::is_journal(STDERR_FILENO, std::getenv("JOURNAL_STREAM"));
}

}  // namespace

Result<void> open(const config::Log& options) {
  bool file = !options.file.empty();
  Result<int> fd = file ? open_file(options.file) : STDERR_FILENO;
  if (!fd) return tl::unexpected(fd.error());
  std::lock_guard lock(mutex);
  format = options.format;
  lowest = options.level;
  writer = std::make_unique<LineWriter>(*fd, file, with_priorities(options));
  budget = LineBudget(options.stranger_lines_per_s);
  return {};
}

Result<void> check(const config::Log& options) {
  return options.file.empty() ? Result<void>() : check_file(options.file);
}

void set_level(Level level) { lowest = level; }

bool enabled(const Event& event) { return event.level >= lowest.load(std::memory_order_relaxed); }

std::string render_text(std::string_view event, const Fields& fields) {
  Line line;
  bool cut = false;
  append_text(line, event, fields, cut);
  return std::string(line.view());
}

std::string render_json(std::string_view time, Level level, std::string_view event, const Fields& fields) {
  bool cut = false;
  return json(time, level, event, fields, cut);
}

void write(const Event& event, const Fields& fields) {
  if (!enabled(event)) return;
  Lost before = lost();
  thread_local Line line;
  render(line, event, fields);
  std::lock_guard lock(mutex);
  if (before.total() != told.total() && now_ms() - told_ms >= kTellMs) tell(before);
  put(event, line);
}

void write_bounded(const Event& event, const Fields& fields) {
  if (!enabled(event)) return;
  {
    std::lock_guard lock(mutex);
    if (!budget.take(now_ms())) {
      ++over_limit;
      return;
    }
  }
  write(event, fields);
}

void tell_losses() {
  std::lock_guard lock(mutex);
  tell(lost());
}

Counts counts() {
  Counts result{{}, cut_lines, over_limit, unwritten};
  for (size_t i = 0; i < written.size(); ++i) result.lines[i] = written[i];
  return result;
}

}  // namespace postigo::log
