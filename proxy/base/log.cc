// Rendering of log lines, and what is counted of them. Not here: which events there are (events.h),
// what to say, which is for the caller, session summaries (session/summary.cc), the writing (line_writer.cc).
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

#include "parser/base/ascii.h"
#include "proxy/base/events.h"
#include "proxy/base/line.h"
#include "proxy/base/line_budget.h"
#include "proxy/base/line_writer.h"
#include "proxy/base/log_file.h"

namespace postigo::log {
namespace {

constexpr size_t kValueMax = 512;  // a longer value is cut: it came from a stranger
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

// The last three digits of `number`.
void append_three(Line& line, uint64_t number) {
  auto digit = [](uint64_t n) { return static_cast<char>('0' + n % 10); };
  char digits[] = {digit(number / 100), digit(number / 10), digit(number)};
  line.put(std::string_view(digits, sizeof(digits)));
}

// The part up to the seconds is the same for many lines.
void append_now(Line& line) {
  thread_local std::time_t second = -1;
  thread_local std::string up_to_second;
  auto now = std::chrono::system_clock::now();
  std::time_t now_s = std::chrono::system_clock::to_time_t(now);
  if (now_s != second) {
    second = now_s;
    up_to_second = fmt::format("{:%FT%H:%M:%S}.", fmt::gmtime(now_s));
  }
  line.put(up_to_second);
  append_three(line, static_cast<uint64_t>(now.time_since_epoch() / std::chrono::milliseconds(1)));
  line.put('Z');
}

std::string safe(std::string_view value, bool& cut) {
  std::string text = printable(value, kValueMax);
  if (text.size() > kValueMax - 4 && text.ends_with("...")) cut = true;
  return text;
}

constexpr bool is_bare(char c) { return c != ' ' && c != '"' && c != '='; }

// What stands in a line as it is: nearly all values.
constexpr auto kPlain = [] {
  std::array<bool, 256> plain{};
  for (char c = '!'; c <= '~'; ++c) plain[static_cast<unsigned char>(c)] = is_bare(c) && c != '\\';
  return plain;
}();

bool is_plain(std::string_view value) {
  return !value.empty() && value.size() + 4 <= kValueMax &&
         std::all_of(value.begin(), value.end(), [](char c) { return kPlain[static_cast<unsigned char>(c)]; });
}

// Bare if that is unambiguous, else in quotes.
void append_quoted(Line& line, std::string_view text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_bare)) {
    line.put(text);
    return;
  }
  line.put('"');
  for (char c : text) {
    if (c == '"') line.put('\\');
    line.put(c);
  }
  line.put('"');
}

template <typename Integer>
void append_integer(Line& line, Integer value) {
  fmt::format_int digits(value);
  line.put(std::string_view(digits.data(), digits.size()));
}

// As "{:.3f}", without the long way: each session has several of them.
void append_seconds(Line& line, double value) {
  if (!(value >= 0 && value < 1e9)) {
    line.put(fmt::format("{:.3f}", value));
    return;
  }
  auto thousandths = static_cast<uint64_t>(value * 1000 + 0.5);
  append_integer(line, thousandths / 1000);
  line.put('.');
  append_three(line, thousandths);
}

void append_text(Line& line, std::string_view event, const Fields& fields, bool& cut) {
  line.put(event);
  for (const Field& field : fields) {
    line.put(' ');
    line.put(field.key);
    line.put('=');
    std::visit(
        [&](auto value) {
          if constexpr (std::is_same_v<decltype(value), std::string_view>) {
            if (is_plain(value)) {
              line.put(value);
            } else {
              append_quoted(line, safe(value, cut));
            }
          } else if constexpr (std::is_same_v<decltype(value), double>) {
            append_seconds(line, value);
          } else if constexpr (std::is_same_v<decltype(value), bool>) {
            line.put(std::string_view(value ? "true" : "false"));
          } else {
            append_integer(line, value);
          }
        },
        field.value);
  }
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
            line[key] = safe(value, cut);
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
    line.put(' ');
    line.put(name_of(event.level));
    line.put(' ');
    append_text(line, event.name, fields, cut);
  }
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
