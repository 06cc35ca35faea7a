// Lexes a client's line in one pass from left to right. Not here: which verbs may pass, and what is done with a line.
#include "parser/imap/command_line.h"

#include <algorithm>
#include <array>

#include "parser/base/ascii.h"
#include "parser/base/limits.h"
#include "parser/framing/line_reader.h"

namespace postigo::imap {
namespace {

constexpr uint8_t kDepthMax = 32;
constexpr size_t kDigitsMax = 10;

// Verbs that Dovecot parses with a parser of their own.
constexpr Bytes kExactVerbs[] = {"APPEND", "REPLACE", "SETMETADATA", "SETANNOTATION"};

// What an octet may be a part of: every command is looked at octet by octet. Those of arguments begin nothing and are
// legal wherever they stand, unless the arguments are exact.
enum : uint8_t { kOfTag = 1, kOfWord = 2, kOfArguments = 4 };
constexpr auto kParts = [] {
  std::array<uint8_t, 256> parts{};
  for (unsigned i = 0; i < parts.size(); ++i) {
    char c = static_cast<char>(i);
    bool tag = c > ' ' && c < 0x7f && Bytes("+(){%*\"\\").find(c) == Bytes::npos;
    bool word = is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '-' || c == '_' || c == '.';
    bool argument = !is_ctl(c) && c != '"' && c != '{' && c != '~';
    parts[i] = static_cast<uint8_t>((tag ? kOfTag : 0) | (word ? kOfWord : 0) | (argument ? kOfArguments : 0));
  }
  return parts;
}();

bool may_be_of(char c, uint8_t part) { return (kParts[static_cast<unsigned char>(c)] & part) != 0; }

bool consists_of(Bytes text, uint8_t part) {
  return std::all_of(text.begin(), text.end(), [part](char c) { return may_be_of(c, part); });
}

bool is_8bit(char c) { return static_cast<unsigned char>(c) >= 0x80; }
bool starts_token(char before) { return before == ' ' || before == '(' || before == '['; }
bool ends_token(char c) { return c == ' ' || c == ')' || c == ']'; }

// The offset behind the quoted string that begins at `at`, or npos. Control characters but NUL, CR and LF are text.
size_t quoted_end(Bytes text, size_t at) {
  for (size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1;
    if (text[i] == '\\') ++i;
    if (i < text.size() && (text[i] == '\r' || text[i] == '\0')) return Bytes::npos;
  }
  return Bytes::npos;
}

// `text` from its brace at `at` on is "{n}" or "{n+}" and nothing else.
bool announcement(Bytes text, size_t at, Announcement& announced) {
  size_t i = at + 1;
  uint64_t size = 0;
  while (i < text.size() && is_digit(text[i]) && i - at <= kDigitsMax) {
    size = size * 10 + static_cast<uint64_t>(text[i++] - '0');
  }
  Bytes rest = text.substr(i);
  bool fits = i > at + 1 && size <= kLiteralMax && (rest == "}" || rest == "+}");
  announced = {fits, rest == "}", size, i};
  return fits;
}

size_t skip_blanks(Bytes text, size_t at) { return std::min(text.find_first_not_of(' ', at), text.size()); }

Bytes word_at(Bytes text, size_t at) { return text.substr(at, std::min(text.find(' ', at), text.size()) - at); }

bool is_exact(Bytes verb) {
  return std::any_of(std::begin(kExactVerbs), std::end(kExactVerbs),
                     [&](Bytes name) { return equal_ignoring_case(name, verb); });
}

// From the verb on. False: malformed.
bool lex_verb(Bytes text, size_t at, CommandLine& said) {
  said.verb = word_at(text, at);
  if (!consists_of(said.verb, kOfWord)) return false;
  size_t end = at + said.verb.size();
  size_t next = skip_blanks(text, end);
  if (!said.uid && next < text.size() && equal_ignoring_case(said.verb, "UID")) {
    said.uid = true;
    return lex_verb(text, next, said);
  }
  said.arguments = next < text.size();
  said.state = Arguments(is_exact(said.verb));
  bool fine = said.state.take(text.substr(end), false, said.literal);
  said.literal.end += end;
  return fine;
}

}  // namespace

bool is_tag(Bytes word) { return !word.empty() && word.size() <= limits::kTagMax && consists_of(word, kOfTag); }

bool Arguments::plain(char c, char before, bool ended_a_list) {
  if (is_ctl(c) || c == '{' || c == '"') return false;
  if (!exact_) return true;
  if (c == ')') {
    bool open = depth_ > 0;
    if (open) --depth_;
    floor_ = std::min(floor_, depth_);
    return open;
  }
  if (ended_a_list) return false;
  if (c == '(') return starts_token(before) && ++depth_ <= kDepthMax;
  if (before == ')' && c != ' ') return false;
  if (c == '\\') return starts_token(before);
  return !is_8bit(c) && c != '%' && c != '*';
}

bool Arguments::take(Bytes text, bool behind_literal, Announcement& announced) {
  // RFC 9051 4.3: a literal is an element like any other, so only what ends one may follow.
  if (behind_literal && !text.empty() && !ends_token(text[0])) return false;
  const uint8_t began = floor_ = depth_;
  char before = behind_literal ? '"' : ' ';
  for (size_t i = 0; i < text.size();) {
    char c = text[i];
    if (!exact_ && may_be_of(c, kOfArguments)) {  // nearly always
      before = c;
      ++i;
      continue;
    }
    bool ended_a_list = floor_ < began;
    if (starts_token(before)) {
      size_t brace = c == '~' ? i + 1 : i;
      if (brace < text.size() && text[brace] == '{') return announcement(text, brace, announced);
      if (c == '"') {
        i = quoted_end(text, i);
        if (i == Bytes::npos || (i < text.size() && !ends_token(text[i]))) return false;
        before = '"';
        continue;
      }
    }
    if (!plain(c, before, ended_a_list)) return false;
    before = c;
    ++i;
  }
  return depth_ == 0;
}

CommandLine lex_command(Bytes line) {
  using Shape = CommandLine::Shape;
  CommandLine said;
  Bytes text = without_line_end(line);
  if (skip_blanks(text, 0) == text.size()) return said;
  Bytes tag = word_at(text, 0);
  said.shape = Shape::no_tag;
  if (!is_tag(tag)) return said;
  said.tag = tag;
  size_t at = skip_blanks(text, tag.size());
  if (at == text.size()) {
    said.shape = equal_ignoring_case(text, "DONE") ? Shape::done : Shape::no_verb;
  } else {
    said.shape = lex_verb(text, at, said) ? Shape::command : Shape::malformed;
  }
  return said;
}

}  // namespace postigo::imap
