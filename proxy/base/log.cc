// Log lines, and what is counted of them. Not here: which events there are (events.h), what to say, which is for the
// caller, session summaries (session/summary.cc), the text of a line (log_form.cc), the writing (line_writer.cc,
// datagram_writer.cc).
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
#include <deque>
#include <memory>
#include <mutex>
#include <utility>

#include "proxy/base/datagram_writer.h"
#include "proxy/base/events.h"
#include "proxy/base/line.h"
#include "proxy/base/line_budget.h"
#include "proxy/base/line_writer.h"
#include "proxy/base/log_file.h"
#include "proxy/base/log_form.h"
#include "proxy/base/log_newest.h"
#include "proxy/base/log_text.h"
#include "proxy/base/short_text.h"

namespace postigo::log {
namespace {

constexpr uint64_t kTellMs = 1000;

// Whoever is rendering a line looks at the one that was in effect: each that ever was stays.
std::deque<Form> forms(1);
std::atomic<const Form*> in_effect = &forms.back();
std::array<std::atomic<uint64_t>, kLevelNames.size()> written{};

struct Lost {
  uint64_t over_limit = 0, unwritten = 0, cut = 0;
  uint64_t total() const { return over_limit + unwritten + cut; }
};
std::atomic<uint64_t> over_limit{0}, unwritten{0}, cut_lines{0}, left_out{0};
Lost lost() { return {over_limit, unwritten, cut_lines}; }

std::atomic<Level> lowest{Level::info};
std::mutex mutex;  // of what follows; one line at a time
std::unique_ptr<LineSink> writer = std::make_unique<LineWriter>(STDERR_FILENO, false, false);
LineBudget budget{config::Log().stranger_lines_per_s};
Lost told;
uint64_t told_ms = 0;
bool broken = false;  // the last line could not be written

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

// The table says which fields an event may bear, and its readers rely on that.
[[maybe_unused]] bool fits(const Event& event, const Fields& fields) {
  std::string known = fmt::format(" {} ", event.fields);
  return std::all_of(fields.begin(), fields.end(), [&](const Field& field) {
    return known.find(fmt::format(" {} ", field.key)) != std::string::npos;
  });
}

void render(Line& line, const Form& form, const Event& event, const Fields& fields) {
  assert(fits(event, fields));
  thread_local Line time;
  time.clear();
  append_now(time);
  bool cut = false;
  render(line, form, time.view(), event, fields, cut);
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
  render(line, *in_effect, events::log_incomplete,
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

std::string rendered(config::Log::Format format, std::string_view time, Level level, std::string_view event,
                     const Fields& fields) {
  Line line;
  bool cut = false;
  append_message(line, format, time, level, event, fields, cut);
  return std::string(line.view());
}

const std::string& socket_of(const config::Log& options) {
  return options.target == config::Log::Target::journal ? options.journal_socket : options.syslog_server;
}

Result<std::unique_ptr<LineSink>> make_writer(const config::Log& options) {
  if (options.target != config::Log::Target::stream) {
    if (auto usable = check(options); !usable) return tl::unexpected(usable.error());
    return DatagramWriter::make(socket_of(options));
  }
  const bool file = !options.file.empty();
  Result<int> fd = file ? open_file(options.file) : STDERR_FILENO;
  if (!fd) return tl::unexpected(fd.error());
  return std::make_unique<LineWriter>(*fd, file, with_priorities(options));
}

}  // namespace

Result<void> open(const config::Log& options) {
  auto fresh = make_writer(options);
  if (!fresh) return tl::unexpected(fresh.error());
  const Form wanted = form_of(options);
  std::lock_guard lock(mutex);
  if (forms.back() != wanted) in_effect = &forms.emplace_back(wanted);
  lowest = options.level;
  writer = std::move(*fresh);
  budget = LineBudget(options.stranger_lines_per_s);
  return {};
}

Result<void> check(const config::Log& options) {
  if (options.target != config::Log::Target::stream) return check_listener(socket_of(options));
  return options.file.empty() ? Result<void>() : check_file(options.file);
}

std::string place_of(const config::Log& options) {
  if (options.target == config::Log::Target::journal) return "log.journal_socket";
  return options.target == config::Log::Target::syslog ? "log.syslog_server" : "log.file";
}

void set_level(Level level) { lowest = level; }

bool enabled(const Event& event) { return event.level >= lowest.load(std::memory_order_relaxed); }

std::string render_logfmt(std::string_view time, Level level, std::string_view event, const Fields& fields) {
  return rendered(config::Log::Format::logfmt, time, level, event, fields);
}

std::string render_text(std::string_view event, const Fields& fields) {
  Line line;
  bool cut = false;
  append_text(line, event, fields, cut);
  return std::string(line.view());
}

std::string render_json(std::string_view time, Level level, std::string_view event, const Fields& fields) {
  return rendered(config::Log::Format::json, time, level, event, fields);
}

void write(const Event& event, const Fields& fields) {
  if (!enabled(event)) return;
  if (event.level >= kNewestFrom) keep_newest(event, fields);
  Lost before = lost();
  thread_local Line line;
  const Form* used = in_effect;
  render(line, *used, event, fields);
  std::lock_guard lock(mutex);
  if (used != in_effect) render(line, *in_effect, event, fields);  // another target does not understand it
  if (before.total() != told.total() && now_ms() - told_ms >= kTellMs) tell(before);
  const bool was_broken = std::exchange(broken, !put(event, line));
  if (was_broken && !broken) tell(lost());  // at once: the next line may be long in coming
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

void leave_out(const Event& event) {
  if (enabled(event)) ++left_out;
}

void tell_losses() {
  std::lock_guard lock(mutex);
  tell(lost());
}

Counts counts() {
  Counts result{{}, cut_lines, over_limit, left_out, unwritten};
  for (size_t i = 0; i < written.size(); ++i) result.lines[i] = written[i];
  return result;
}

}  // namespace postigo::log
