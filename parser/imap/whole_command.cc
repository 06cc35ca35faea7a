// Finds the end of a command with its "{n+}" literals, then reads all behind its first line as if it were commands.
#include "parser/imap/whole_command.h"

#include <algorithm>

#include "parser/base/ascii.h"
#include "parser/framing/line_reader.h"
#include "parser/imap/aliases.h"
#include "parser/imap/verbs.h"

namespace postigo::imap {
namespace {

// "INBOX (MESSAGES)": whoever looks for a verb there finds none.
bool has_list_for_verb(Bytes line, const CommandLine& said) {
  Bytes rest = without_line_end(line).substr(said.tag.size());
  Announcement announced;
  return rest.starts_with(" (") && Arguments().take(rest, false, announced) && !announced.present;
}

// One word that is no tag, as in a line of base64. Its answer must not read as a go-ahead. All of it is looked at,
// whatever is found: so the compiler takes many octets at a time, and whole messages come this way.
bool is_lone_word(Bytes line) {
  Bytes word = without_line_end(line);
  unsigned others = word[0] == '+';
  for (char c : word) others |= static_cast<unsigned>(c == '{') | static_cast<unsigned>(c == ' ') | is_ctl(c);
  return others == 0;
}

bool all_harmless(Bytes text) {
  while (!text.empty()) {
    Bytes line = text.substr(0, std::min(text.find('\n'), text.size() - 1) + 1);
    if (!is_harmless(line)) return false;
    text.remove_prefix(line.size());
  }
  return true;
}

}  // namespace

bool is_harmless(Bytes line) {
  using Shape = CommandLine::Shape;
  CommandLine said = lex_command(line);
  if (Aliases::is_ours(said.tag)) return false;  // an answer under it would be taken for another one
  if (said.shape == Shape::malformed) return has_list_for_verb(line, said);
  if (said.shape == Shape::no_tag) return is_lone_word(line);
  if (said.shape == Shape::blank || said.shape == Shape::no_verb || said.shape == Shape::done) return true;
  return said.shape == Shape::command && !said.literal.present && !is_forbidden(said.verb) && !asks(said.verb);
}

WholeCommand find_whole_command(Bytes in, Bytes line, const CommandLine& said) {
  Arguments arguments = said.state;
  Announcement announced = said.literal;
  size_t at = line.size();
  size_t literals = 0;
  while (announced.present) {
    literals += announced.size;
    if (announced.sync || literals > kWholeLiteralMax) return {};
    size_t begin = at + announced.size;
    size_t end = in.find('\n', std::min(begin, in.size()));
    if (end == Bytes::npos) {
      bool may_come = in.size() < begin + kWholeLiteralMax;
      return {may_come ? WholeCommand::Kind::incomplete : WholeCommand::Kind::doubtful, 0};
    }
    at = end + 1;
    announced = {};
    if (!arguments.take(without_line_end(in.substr(begin, at - begin)), true, announced)) return {};
  }
  bool harmless = all_harmless(in.substr(line.size(), at - line.size()));
  return {harmless ? WholeCommand::Kind::harmless : WholeCommand::Kind::doubtful, at};
}

}  // namespace postigo::imap
