// Fields as text. Every session writes two lines of some fifteen fields, so what is plain is copied as it is, without
// looking at each octet. Not here: JSON, and what stands around them (log_form.cc).
#include "proxy/base/log_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "parser/base/ascii.h"

namespace postigo::log {
namespace {

constexpr size_t kValueMax = 512;    // a longer value is cut: it came from a stranger
constexpr size_t kNumberMost = 24;   // octets of an integer
constexpr double kSecondsMax = 1e9;  // that are written the short way

// Sixteen octets that are looked at together.
using Octets = signed char __attribute__((vector_size(16)));
using Words = uint64_t __attribute__((vector_size(16)));

uint64_t load_eight(const char* from) {
  uint64_t eight;
  std::memcpy(&eight, from, sizeof(eight));
  return eight;
}

// Does any of them not stand in a line as it is? Those beyond ASCII are below zero.
bool any_odd(uint64_t first, uint64_t second) {
  const auto all = reinterpret_cast<Octets>(Words{first, second});
  const auto odd =
      reinterpret_cast<Words>((all <= ' ') | (all == '\x7f') | (all == '"') | (all == '=') | (all == '\\'));
  return (odd[0] | odd[1]) != 0;
}

// Nearly all values. Octets may be looked at twice.
bool is_plain(std::string_view value) {
  const size_t size = value.size();
  if (size == 0 || size + 4 > kValueMax) return false;
  if (size < 8) {
    char eight[8] = {'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a'};
    copy_short(eight, value);
    return !any_odd(load_eight(eight), load_eight(eight));
  }
  const char* from = value.data();
  const char* last = from + size - 8;
  for (; last - from > 8; from += 16) {
    if (any_odd(load_eight(from), load_eight(from + 8))) return false;
  }
  return !any_odd(load_eight(std::min(from, last)), load_eight(last));
}

constexpr bool is_bare(char c) { return c != ' ' && c != '"' && c != '='; }

// Bare if that is unambiguous, else in quotes.
void append_quoted(Line& line, std::string_view text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_bare)) return line.put(text);
  line.put('"');
  for (char c : text) {
    if (c == '"') line.put('\\');
    line.put(c);
  }
  line.put('"');
}

void append_integer(Line& line, int64_t value) {
  char* to = line.room(kNumberMost);
  line.end_at(std::to_chars(to, to + kNumberMost, value).ptr);
}

// As "{:.3f}", without the long way: each session has several of them.
void append_seconds(Line& line, double value) {
  if (!(value >= 0 && value < kSecondsMax)) return line.put(fmt::format("{:.3f}", value));
  const auto thousandths = static_cast<uint64_t>(value * 1000 + 0.5);
  append_integer(line, static_cast<int64_t>(thousandths / 1000));
  line.put('.');
  append_three(line, thousandths);
}

// As logfmt's readers take it, which is as in JSON: a backslash in quotes stands for nothing but itself.
void append_logfmt_quoted(Line& line, std::string_view text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return is_bare(c) && c != '\\'; })) {
    return line.put(text);
  }
  line.put('"');
  for (char c : text) {
    if (c == '"' || c == '\\') line.put('\\');
    line.put(c);
  }
  line.put('"');
}

void append(Line& line, double value) { append_seconds(line, value); }
void append(Line& line, int64_t value) { append_integer(line, value); }
void append(Line& line, bool value) { line.put(std::string_view(value ? "true" : "false")); }

// What is no text.
void append_number(Line& line, const Field& field) {
  std::visit(
      [&](auto value) {
        if constexpr (!std::is_same_v<decltype(value), std::string_view>) append(line, value);
      },
      field.value);
}

template <void (*quoted)(Line&, std::string_view)>
void append_fields(Line& line, const Fields& fields, bool& cut) {
  for (const Field& field : fields) {
    const auto* text = std::get_if<std::string_view>(&field.value);
    if (text != nullptr && is_plain(*text)) {
      char* to = line.room(field.key.size() + text->size() + 2);
      *to++ = ' ';
      to = copy_short(to, field.key);
      *to++ = '=';
      line.end_at(copy_short(to, *text));
      continue;
    }
    line.put(' ', field.key, '=');
    if (text != nullptr) {
      quoted(line, printable_value(*text, cut));
    } else {
      append_number(line, field);
    }
  }
}

}  // namespace

void append_text(Line& line, std::string_view event, const Fields& fields, bool& cut) {
  line.put(event);
  append_fields<append_quoted>(line, fields, cut);
}

void append_logfmt(Line& line, std::string_view time, std::string_view level, std::string_view event,
                   const Fields& fields, bool& cut) {
  if (!time.empty()) {
    line.put("time=");
    line.put(time);
    line.put(' ');
  }
  line.put("level=");
  line.put(level);
  line.put(" event=");
  line.put(event);
  append_fields<append_logfmt_quoted>(line, fields, cut);
}

void append_three(Line& line, uint64_t number) {
  const auto three = static_cast<uint32_t>(number % 1000), two = three % 100;
  const char digits[] = {static_cast<char>('0' + three / 100), static_cast<char>('0' + two / 10),
                         static_cast<char>('0' + two % 10)};
  line.put(std::string_view(digits, sizeof(digits)));
}

std::string printable_value(std::string_view value, bool& cut) {
  std::string text = printable(value, kValueMax);
  if (text.size() > kValueMax - 4 && text.ends_with("...")) cut = true;
  return text;
}

std::string value_text(const Field& field, bool& cut) {
  if (const auto* text = std::get_if<std::string_view>(&field.value)) return printable_value(*text, cut);
  Line line;
  append_number(line, field);
  return std::string(line.view());
}

}  // namespace postigo::log
