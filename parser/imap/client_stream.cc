// The client's side of the relay: what may pass, as what, and when. What a line says is command_line.h's matter,
// whether a question is open exchange.h's; what comes behind a command's first line stands in client_literals.cc.
//
// Safety does not rest on knowing what the backend is about to read. What passes without being asked for is harmless
// both as a command and as anything else; what is not passes as octets only when the backend itself has said "+".
#include "parser/imap/client_stream.h"

#include <utility>

#include "parser/base/ascii.h"
#include "parser/base/limits.h"
#include "parser/imap/verbs.h"
#include "parser/imap/whole_command.h"

namespace postigo::imap {
namespace {

constexpr Bytes kIdle = "IDLE";
constexpr Bytes kCompress = "COMPRESS";
constexpr Bytes kProbe = " NOOP\r\n";     // behind a tag of ours
constexpr Bytes kWithoutTag = "* X\r\n";  // every server answers "* BAD"

// How long a client waits for the backend's word before give_up(). A client that is to wait for "+" and speaks without
// it has most likely seen a refusal that we have not; one that does not wait has only got a slow backend.
constexpr uint32_t kWordMs = 30'000;
constexpr uint32_t kSpokenMs = 1'500;
constexpr uint32_t kWholeMs = 500;

}  // namespace

FilterStep ClientStream::feed(Bytes in, Slices& out) {
  Cursor cursor{in, out};
  if (std::exchange(probe_, false)) {
    out.add(both_.aliases.add({}).text());
    out.add(kProbe);
  }
  whole_ = false;
  last_ = Action::go_on;
  while (last_ == Action::go_on && cursor.more() && cursor.room() && !both_.exchange.compressed()) last_ = step(cursor);
  cursor.flush();
  switch (last_) {
    case Action::go_on:
      return {cursor.at, FilterStep::State::ok};
    case Action::more:
      return {cursor.at, FilterStep::State::more};
    case Action::blocked:
      return {cursor.at, FilterStep::State::blocked};
    case Action::broken:
      break;
  }
  return {cursor.at, FilterStep::State::broken};
}

uint32_t ClientStream::patience_ms() const {
  if (whole_) return kWholeMs;
  if (last_ != Action::blocked) return 0;
  if (both_.exchange.probing()) return kWordMs;
  bool spoken =
      both_.exchange.asked() == Exchange::Ask::literal || both_.exchange.awaits_idle() || both_.exchange.complained();
  return spoken ? kSpokenMs : kWordMs;
}

std::string_view ClientStream::give_up() {
  if (whole_) {
    impatient_ = true;
    return "a literal is slow";
  }
  probe_ = both_.exchange.give_up();
  return "the backend did not say what it reads next";
}

// Consumes at least one octet, or changes the state, or does not go on.
ClientStream::Action ClientStream::step(Cursor& cursor) {
  if (both_.exchange.lost()) return Action::broken;
  if (both_.exchange.asked() == Exchange::Ask::compress || both_.exchange.awaits_idle()) return Action::blocked;
  switch (state_) {
    case State::line:
      return at_line(cursor);
    case State::awaited:
      return at_awaited();
    case State::rest:
      return at_rest(cursor);
    case State::swallow_line:
      return at_swallow(cursor);
    case State::literal:
    case State::swallow_literal:
      at_literal(cursor);
      break;
  }
  return Action::go_on;
}

// incomplete: come back with more. too_long: `line` is its beginning, always the same part of it.
LineReader::Status ClientStream::take_line(const Cursor& cursor, Bytes& line) {
  LineReader::Line read = reader_.next(cursor.rest());
  bool complete = read.status == LineReader::Status::line;
  line = cursor.rest().substr(0, complete ? read.consumed : limits::kRelayLineMax);
  return read.status;
}

// --- a command's first line -----------------------------------------------------------------------------------------

ClientStream::Action ClientStream::at_line(Cursor& cursor) {
  Bytes line;
  LineReader::Status status = take_line(cursor, line);
  if (status == LineReader::Status::incomplete) return Action::more;
  CommandLine said = lex_command(line);
  if (status == LineReader::Status::too_long) return refuse(cursor, said);
  switch (said.shape) {
    case CommandLine::Shape::no_tag:
    case CommandLine::Shape::malformed:
      return refuse(cursor, said);
    case CommandLine::Shape::blank:
    case CommandLine::Shape::done:
    case CommandLine::Shape::no_verb:
      both_.exchange.line_passes(said.shape == CommandLine::Shape::done);
      if (Aliases::is_ours(said.tag)) line.remove_prefix(pass_alias(cursor, said.tag));
      pass_line(cursor, line);
      return Action::go_on;
    case CommandLine::Shape::command:
      break;
  }
  return may_pass(said) ? at_command(cursor, line, said) : refuse(cursor, said);
}

bool ClientStream::may_pass(const CommandLine& said) const {
  if (equal_ignoring_case(said.verb, kCompress)) return both_.policy->allow_compress && !said.literal.present;
  if (equal_ignoring_case(said.verb, kIdle)) return !said.arguments;
  return !is_forbidden(said.verb);
}

ClientStream::Action ClientStream::at_command(Cursor& cursor, Bytes line, const CommandLine& said) {
  if (asks(said.verb)) {
    bool idle = equal_ignoring_case(said.verb, kIdle);
    return ask(cursor, line, said, idle ? Exchange::Ask::idle : Exchange::Ask::compress);
  }
  if (said.literal.present) {
    if (!said.literal.sync && literal_plus_ && !both_.exchange.unsettled()) {
      Action action = at_whole(cursor, line, said);
      if (action != Action::blocked) return action;
    }
    return ask(cursor, line, said, said.literal.sync ? Exchange::Ask::literal : Exchange::Ask::hidden_literal);
  }
  both_.exchange.line_passes(false);
  count(said.verb);
  if (needs_alias(said.tag)) line.remove_prefix(pass_alias(cursor, said.tag));
  pass_line(cursor, line);
  return Action::go_on;
}

// A command with "{n+}" that may pass as it is does so. blocked: it may not.
ClientStream::Action ClientStream::at_whole(Cursor& cursor, Bytes line, const CommandLine& said) {
  if (needs_alias(said.tag)) return Action::blocked;
  WholeCommand whole = find_whole_command(cursor.rest(), line, said);
  if (whole.kind == WholeCommand::Kind::incomplete && !impatient_) {
    whole_ = true;
    return Action::more;
  }
  impatient_ = false;
  if (whole.kind != WholeCommand::Kind::harmless) return Action::blocked;
  count(said.verb);
  cursor.at += whole.size;
  return Action::go_on;
}

// What is no command, or must not be one for the backend.
ClientStream::Action ClientStream::refuse(Cursor& cursor, const CommandLine& said) {
  both_.exchange.line_passes(false);
  count({});
  if (said.tag.empty()) {
    cursor.insert(kWithoutTag);
  } else {
    if (needs_alias(said.tag)) {
      pass_alias(cursor, said.tag);
    } else {
      cursor.at += said.tag.size();
    }
    cursor.insert(kUnknown);
  }
  swallow();
  return Action::go_on;
}

bool ClientStream::needs_alias(Bytes tag) const { return both_.exchange.unsettled() || Aliases::is_ours(tag); }

// A tag of ours passes instead of the client's, whose size it returns.
size_t ClientStream::pass_alias(Cursor& cursor, Bytes tag) {
  const Aliases::Alias& alias = both_.aliases.add(tag);
  alias_ = alias.number();
  cursor.insert(alias.text());
  cursor.skip(tag.size());
  return tag.size();
}

void ClientStream::pass_line(Cursor& cursor, Bytes line) {
  cursor.at += line.size();
  if (line.ends_with("\r\n")) return;
  cursor.pass_until(cursor.at - 1);
  cursor.out.add("\r\n");
  cursor.run = cursor.at;
}

void ClientStream::count(Bytes verb) {
  ++commands_;
  constexpr size_t kLogout = verb_index("LOGOUT");
  size_t index = verb_index(verb);
  both_.counts.verbs[index].inc();
  if (index == kLogout) said_logout_ = true;
}

}  // namespace postigo::imap
