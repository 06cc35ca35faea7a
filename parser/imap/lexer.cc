// Words, strings and literals of one command. Knows no command's name and no state.
#include "parser/imap/lexer.h"

#include "parser/base/ascii.h"
#include "parser/base/limits.h"
#include "parser/framing/literal_tail.h"

namespace postigo::imap {
namespace {

// Dovecot's idea of what ends an atom in a client's command, a superset of what RFC 9051 lets into one.
bool ends_atom(char c) { return c == ' ' || c == '(' || c == ')' || c == '{' || c == '"' || is_ctl(c); }

// 1*<any ASTRING-CHAR except "+">
bool is_tag_char(char c) { return c > ' ' && c < 0x7f && Bytes("(){%*\"\\+").find(c) == Bytes::npos; }

bool is_verb_char(char c) {
  return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '-' || c == '_' || c == '.';
}

template <typename Test>
Bytes take_while(Bytes& text, Test test) {
  size_t size = 0;
  while (size < text.size() && test(text[size])) ++size;
  Bytes part = text.substr(0, size);
  text.remove_prefix(size);
  return part;
}

}  // namespace

bool Lexer::take(char c) {
  if (!rest_.starts_with(c)) return false;
  rest_.remove_prefix(1);
  return true;
}

bool Lexer::take_word(Bytes word) {
  if (!starts_with_ignoring_case(rest_, word)) return false;
  if (rest_.size() > word.size() && !ends_atom(rest_[word.size()])) return false;
  rest_.remove_prefix(word.size());
  return true;
}

bool Lexer::atom(Bytes& atom) {
  atom = take_while(rest_, [](char c) { return !ends_atom(c); });
  return !atom.empty();
}

bool Lexer::astring(Secret& string) {
  if (this->string(string)) return true;
  Bytes text;
  if (!atom(text)) return false;
  string = Secret(text);
  return true;
}

bool Lexer::string(Secret& string) { return quoted(string) || literal(string); }

bool Lexer::quoted(Secret& string) {
  if (!rest_.starts_with('"')) return false;
  string.clear();
  size_t begin = 1;
  for (size_t i = 1; i < rest_.size(); ++i) {
    if (rest_[i] == '"') {
      string.append(rest_.substr(begin, i - begin));
      rest_.remove_prefix(i + 1);
      return true;
    }
    if (rest_[i] != '\\') continue;
    bool legal = i + 1 < rest_.size() && (rest_[i + 1] == '"' || rest_[i + 1] == '\\');
    if (!legal) return false;
    string.append(rest_.substr(begin, i - begin));
    begin = ++i;  // the escaped octet opens the next run
  }
  return false;
}

bool Lexer::literal(Secret& string) {
  if (!rest_.starts_with('{')) return false;
  size_t end = rest_.find('\n');
  if (end == Bytes::npos) return false;
  LiteralTail tail;
  tail.feed(rest_.substr(0, end));
  bool announced = tail.found() && !tail.overflowed() && rest_.find('{', 1) >= end;
  if (!announced || tail.size() > rest_.size() - end - 1) return false;
  string = Secret(rest_.substr(end + 1, tail.size()));
  rest_.remove_prefix(end + 1 + tail.size());
  return true;
}

bool Lexer::at_end() {
  while (take(' ')) {
  }
  return rest_.empty();
}

bool parse_head(Bytes line, CommandHead& head) {
  head.tag = take_while(line, is_tag_char);
  if (head.tag.empty() || head.tag.size() > limits::kTagMax || !line.starts_with(' ')) return false;
  line.remove_prefix(1);
  head.verb = take_while(line, is_verb_char);
  head.rest = line;
  bool delimited = line.empty() || line[0] == ' ' || line[0] == '\r' || line[0] == '\n';
  return !head.verb.empty() && delimited;
}

}  // namespace postigo::imap
