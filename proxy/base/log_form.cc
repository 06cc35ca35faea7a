// Not here: fields as text and logfmt (log_text.cc), the writing (line_writer.cc, datagram_writer.cc).
#include "proxy/base/log_form.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "parser/base/ascii.h"
#include "proxy/base/log_text.h"

namespace postigo::log {
namespace {

constexpr std::array<unsigned, 4> kSeverities = {7, 6, 4, 3};  // by level (RFC 5424 6.2.1)

std::string_view name_of(Level level) { return kLevelNames[static_cast<size_t>(level)]; }
unsigned severity_of(Level level) { return kSeverities[static_cast<size_t>(level)]; }

// As RFC 5424 6.2.4 takes it.
std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "-";
  std::string host(name.data());
  const bool fit = std::all_of(host.begin(), host.end(), [](char c) { return c > ' ' && c <= '~'; });
  return fit && !host.empty() ? host : "-";
}

std::string json(std::string_view time, Level level, std::string_view event, const Fields& fields, bool& cut) {
  nlohmann::ordered_json line;
  if (!time.empty()) line["time"] = time;
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

// With its length in front, so that no value can end its field.
void append_journal(Line& line, std::string_view name, std::string_view value) {
  line.put(name);
  line.put('\n');
  for (unsigned bits = 0; bits < 64; bits += 8) line.put(static_cast<char>((uint64_t{value.size()} >> bits) & 0xff));
  line.put(value);
  line.put('\n');
}

void render_journal(Line& line, const Form& form, const Event& event, const Fields& fields, bool& cut) {
  Line message;
  append_message(message, form.format, "", event.level, event.name, fields, cut);
  append_journal(line, "MESSAGE", message.view());
  append_journal(line, "PRIORITY", std::to_string(severity_of(event.level)));
  append_journal(line, "SYSLOG_IDENTIFIER", form.identifier);
  append_journal(line, "SYSLOG_FACILITY", form.facility);
  append_journal(line, "SYSLOG_PID", form.pid);
  append_journal(line, "POSTIGO_EVENT", event.name);
  for (const Field& field : fields) {
    append_journal(line, "POSTIGO_" + upper(field.key), value_text(field, cut));
  }
}

// RFC 5424 6.3.3.
void append_parameter(Line& line, std::string_view name, std::string_view value) {
  line.put(' ', name, '=');
  line.put('"');
  for (char c : value) {
    if (c == '"' || c == '\\' || c == ']') line.put('\\');
    line.put(c);
  }
  line.put('"');
}

void render_syslog(Line& line, const Form& form, std::string_view time, const Event& event, const Fields& fields,
                   bool& cut) {
  line.put(fmt::format("<{}>1 {} {} {} {} {} ", form.facility_times_8 + severity_of(event.level), time, form.host,
                       form.identifier, form.pid, event.name));
  if (form.structured_data.empty()) {
    line.put('-');
  } else {
    line.put('[');
    line.put(form.structured_data);
    append_parameter(line, "level", name_of(event.level));
    for (const Field& field : fields) append_parameter(line, field.key, value_text(field, cut));
    line.put(']');
  }
  line.put(' ');
  append_message(line, form.format, "", event.level, event.name, fields, cut);
}

}  // namespace

Form form_of(const config::Log& options) {
  return {options.format,       options.target, options.identifier,         std::to_string(options.facility),
          8 * options.facility, host_name(),    std::to_string(::getpid()), options.structured_data};
}

void append_message(Line& line, config::Log::Format format, std::string_view time, Level level, std::string_view event,
                    const Fields& fields, bool& cut) {
  if (format == config::Log::Format::json) return line.put(json(time, level, event, fields, cut));
  if (format == config::Log::Format::logfmt) return append_logfmt(line, time, name_of(level), event, fields, cut);
  if (!time.empty()) {
    line.put(time);
    line.put(' ');
  }
  line.put(name_of(level));
  line.put(' ');
  append_text(line, event, fields, cut);
}

void render(Line& line, const Form& form, std::string_view time, const Event& event, const Fields& fields, bool& cut) {
  line.clear();
  if (form.target == config::Log::Target::journal) return render_journal(line, form, event, fields, cut);
  if (form.target == config::Log::Target::syslog) return render_syslog(line, form, time, event, fields, cut);
  append_message(line, form.format, time, event.level, event.name, fields, cut);
  line.put('\n');
}

}  // namespace postigo::log
