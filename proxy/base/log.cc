// Rendering of log lines; spdlog does the writing (levels, files, one lock per line). Not here: what to say, which is
// for the caller, and session summaries (session/summary.cc).
#include "proxy/base/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>

#include "parser/base/ascii.h"

namespace postigo::log {
namespace {

constexpr size_t kValueMax = 512;  // a longer value is cut: it came from a stranger

config::Log::Format format = config::Log::Format::text;

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string_view name_of(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warning";
    case Level::error:
      return "error";
  }
  return "info";
}

// The part up to the seconds is the same for many lines.
std::string now_text() {
  thread_local std::time_t second = -1;
  thread_local std::string up_to_second;
  auto now = std::chrono::system_clock::now();
  std::time_t now_s = std::chrono::system_clock::to_time_t(now);
  if (now_s != second) {
    second = now_s;
    up_to_second = fmt::format("{:%FT%H:%M:%S}.", fmt::gmtime(now_s));
  }
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  return up_to_second + fmt::format("{:03}Z", ms);
}

// Bare if that is unambiguous, else in quotes.
void append_quoted(std::string& line, std::string_view value) {
  auto bare = [](char c) { return c != ' ' && c != '"' && c != '='; };
  std::string safe = printable(value, kValueMax);
  if (!safe.empty() && std::all_of(safe.begin(), safe.end(), bare)) {
    line += safe;
    return;
  }
  line += '"';
  for (char c : safe) {
    if (c == '"') line += '\\';
    line += c;
  }
  line += '"';
}

void append_text(std::string& line, std::string_view event, const Fields& fields) {
  line += event;
  for (const Field& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    std::visit(
        [&](auto value) {
          if constexpr (std::is_same_v<decltype(value), std::string_view>) {
            append_quoted(line, value);
          } else if constexpr (std::is_same_v<decltype(value), double>) {
            line += fmt::format("{:.3f}", value);
          } else if constexpr (std::is_same_v<decltype(value), bool>) {
            line += value ? "true" : "false";
          } else {
            fmt::format_int digits(value);
            line.append(digits.data(), digits.size());
          }
        },
        field.value);
  }
}

}  // namespace

Result<void> open(const config::Log& options) {
  format = options.format;
  try {
    spdlog::sink_ptr sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    if (!options.file.empty()) sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file);
    auto logger = std::make_shared<spdlog::logger>("postigo", std::move(sink));
    logger->set_pattern("%v");
    logger->set_level(to_spdlog(options.level));
    logger->flush_on(spdlog::level::debug);
    spdlog::set_default_logger(logger);
  } catch (const spdlog::spdlog_ex& problem) {
    return fail(fmt::format("cannot open the log file: {}", problem.what()));
  }
  return {};
}

bool enabled(Level level) { return spdlog::should_log(to_spdlog(level)); }

std::string render_text(std::string_view event, const Fields& fields) {
  std::string line;
  append_text(line, event, fields);
  return line;
}

std::string render_json(std::string_view time, Level level, std::string_view event, const Fields& fields) {
  nlohmann::ordered_json line;
  line["time"] = time;
  line["level"] = name_of(level);
  line["event"] = event;
  for (const Field& field : fields) {
    std::string key(field.key);
    std::visit(
        [&](auto value) {
          if constexpr (std::is_same_v<decltype(value), std::string_view>) {
            line[key] = printable(value, kValueMax);
          } else {
            line[key] = value;
          }
        },
        field.value);
  }
  return line.dump();
}

void write(Level level, std::string_view event, const Fields& fields) {
  if (!enabled(level)) return;
  std::string line;
  line.reserve(512);
  if (format == config::Log::Format::json) {
    line = render_json(now_text(), level, event, fields);
  } else {
    line += now_text();
    line += ' ';
    line += name_of(level);
    line += ' ';
    append_text(line, event, fields);
  }
  spdlog::log(to_spdlog(level), spdlog::string_view_t(line));
}

}  // namespace postigo::log
