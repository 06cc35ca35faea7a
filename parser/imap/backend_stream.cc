// The backend's side of the relay; what it writes anew is in backend_rewrites.cc. Only the first words of a line are
// looked at octet by octet; the rest of it passes with one memchr, and a literal with none.
//
// Quotes are not followed here: a quoted string holds no line end, so "{n}" before one is never inside of one, unless
// the backend breaks the grammar. Status responses end in free text and never in a literal (RFC 9051 9 response-data).
#include "parser/imap/backend_stream.h"

#include <algorithm>

#include "parser/base/ascii.h"

namespace postigo::imap {
namespace {

bool is_letter(char c) { return to_lower(c) >= 'a' && to_lower(c) <= 'z'; }

size_t line_end(const Cursor& cursor) { return std::min(cursor.in.find('\n', cursor.at), cursor.in.size()); }

}  // namespace

FilterStep BackendStream::feed(Bytes in, Slices& out) {
  Cursor cursor{in, out};
  spent_.reset();
  both_.aliases.sweep();
  bool fine = true;
  while (fine && cursor.more() && cursor.room() && !both_.exchange.compressed()) fine = step(cursor);
  bool undecided =
      state_ == State::list || state_ == State::id_nil || state_ == State::id_open || state_ == State::alias;
  if (undecided && cursor.mark < cursor.at) {
    cursor.pass_until(cursor.mark);
    Bytes rest = in.substr(cursor.mark, cursor.at - cursor.mark);
    if (state_ == State::list) {
      list_->held.keep(rest);
    } else if (state_ == State::id_open) {
      pair_said_ = static_cast<uint8_t>(pair_said_ + rest.size());
    } else {
      held_.keep(rest);
    }
  } else {
    cursor.flush();
  }
  return {cursor.at, fine ? FilterStep::State::ok : FilterStep::State::broken};
}

// Consumes at least one octet, or changes the state. False: the stream cannot be followed.
bool BackendStream::step(Cursor& cursor) {
  switch (state_) {
    case State::start:
      at_start(cursor);
      break;
    case State::star:
      at_star(cursor);
      break;
    case State::word:
      at_word(cursor);
      break;
    case State::tag:
      at_tag(cursor);
      break;
    case State::alias:
      at_alias(cursor);
      break;
    case State::tagged_word:
      at_tagged_word(cursor);
      break;
    case State::code_gap:
      at_code_gap(cursor);
      break;
    case State::code:
      at_code(cursor);
      break;
    case State::list:
      at_list(cursor);
      break;
    case State::list_end:
      at_list_end(cursor);
      break;
    case State::id:
      at_id(cursor);
      break;
    case State::id_nil:
      at_id_nil(cursor);
      break;
    case State::id_open:
      at_id_open(cursor);
      break;
    case State::text:
    case State::hidden:
      at_text(cursor);
      break;
    case State::data:
      return at_data(cursor);
    case State::literal:
      at_literal(cursor);
      break;
  }
  return true;
}

// --- the first words of a line --------------------------------------------------------------------------------------

void BackendStream::at_start(Cursor& cursor) {
  kind_ = Kind::other;
  word_size_ = 0;
  alias_ = 0;
  tail_.reset();
  char c = cursor.peek();
  Bytes rest = cursor.in.substr(cursor.at, 3);
  if (rest.size() == 3 && rest.starts_with("* ") && is_digit(rest[2])) {  // "* 12 FETCH": most of all lines
    to_data();
  } else if (c == '*') {
    ++cursor.at;
    state_ = State::star;
  } else if (c == '+') {
    kind_ = Kind::continuation;
    state_ = both_.exchange.hides_continuation() ? State::hidden : State::text;
  } else if (c == Aliases::kPrefix[0]) {
    cursor.mark = cursor.at;
    state_ = State::alias;
  } else {
    state_ = State::tag;
  }
}

void BackendStream::at_star(Cursor& cursor) {
  if (cursor.peek() == ' ') {
    ++cursor.at;
    state_ = State::word;
  } else {  // an odd tag
    state_ = State::tag;
  }
}

// Keeps a letter of a word that may matter; a longer word is kept as far as it fits, which matches nothing.
bool BackendStream::collect(char c) {
  if (!is_letter(c)) return false;
  if (word_size_ == word_.size()) return false;
  word_[word_size_++] = to_upper(c);
  return true;
}

void BackendStream::at_word(Cursor& cursor) {
  if (word_size_ == 0 && is_digit(cursor.peek())) return to_data();
  if (word_size_ == 0 && cursor.peek() == ' ') {
    ++cursor.at;  // a client may skip them, too
  } else if (collect(cursor.peek())) {
    ++cursor.at;
  } else {
    untagged_known(cursor);
  }
}

void BackendStream::untagged_known(Cursor& cursor) {
  bool complete = !is_letter(cursor.peek());
  if (complete && word() == "CAPABILITY") {
    begin_list(cursor, false);
  } else if (complete && (word() == "OK" || word() == "BYE" || word() == "PREAUTH")) {
    state_ = State::code_gap;
  } else if (complete && (word() == "NO" || word() == "BAD")) {
    kind_ = Kind::complaint;
    state_ = State::code_gap;
  } else if (complete && word() == "ID") {
    state_ = State::id;
  } else {
    to_data();
  }
}

void BackendStream::at_tag(Cursor& cursor) {
  size_t end = cursor.in.find_first_of(" \n", cursor.at);
  cursor.at = std::min(end, cursor.in.size());
  if (!cursor.more()) return;
  if (cursor.peek() == '\n') {
    state_ = State::text;
  } else {
    ++cursor.at;
    state_ = State::tagged_word;
  }
}

// Follows what an alias may be made of, then asks whether it is one.
void BackendStream::at_alias(Cursor& cursor) {
  char c = cursor.peek();
  size_t matched = held_.size() + (cursor.at - cursor.mark);
  size_t prefix = Aliases::kPrefix.size();
  bool goes_on = matched < prefix ? c == Aliases::kPrefix[matched] : is_digit(c) && matched < Aliases::kTextMax;
  if (goes_on) {
    ++cursor.at;
    return;
  }
  std::array<char, Aliases::kTextMax> buffer;
  char* end = std::copy(held_.view().begin(), held_.view().end(), buffer.data());
  end = std::copy(cursor.in.begin() + cursor.mark, cursor.in.begin() + cursor.at, end);
  const Aliases::Alias* alias = c == ' ' ? both_.aliases.find({buffer.data(), end}) : nullptr;
  if (alias == nullptr) return not_alias(cursor);
  alias_ = alias->number();
  held_.drop();
  cursor.drop_marked();
  if (alias->client_tag().empty()) {  // a command of ours: that it is answered is enough
    kind_ = Kind::refusal;
    state_ = State::hidden;
    return;
  }
  cursor.insert(alias->client_tag());
  state_ = State::tag;
}

void BackendStream::not_alias(Cursor& cursor) {
  if (held_.size() > 0) cursor.out.add(held_.release());
  state_ = State::tag;
}

void BackendStream::at_tagged_word(Cursor& cursor) {
  if ((word_size_ == 0 && cursor.peek() == ' ') || collect(cursor.peek())) {
    ++cursor.at;
    return;
  }
  bool complete = !is_letter(cursor.peek());
  bool status = complete && (word() == "OK" || word() == "NO" || word() == "BAD");
  if (status) kind_ = word() == "OK" ? Kind::ok : Kind::refusal;
  state_ = status ? State::code_gap : State::text;
}

void BackendStream::at_code_gap(Cursor& cursor) {
  char c = cursor.peek();
  if (c == ' ') {
    ++cursor.at;
  } else if (c == '[') {
    ++cursor.at;
    word_size_ = 0;
    state_ = State::code;
  } else {
    state_ = State::text;
  }
}

void BackendStream::at_code(Cursor& cursor) {
  char c = cursor.peek();
  if (collect(c)) {
    ++cursor.at;
  } else if (!is_letter(c) && word() == "CAPABILITY") {
    begin_list(cursor, true);
  } else {
    state_ = State::text;
  }
}

// --- the rest of a line ---------------------------------------------------------------------------------------------

void BackendStream::to_data() {
  tail_.reset();
  state_ = State::data;
}

void BackendStream::at_text(Cursor& cursor) {
  cursor.mark = cursor.at;
  cursor.at = line_end(cursor);
  bool complete = cursor.more();
  if (complete) ++cursor.at;
  if (state_ == State::hidden) cursor.drop_marked();
  if (complete) end_line();
}

bool BackendStream::at_data(Cursor& cursor) {
  size_t end = line_end(cursor);
  Bytes segment = cursor.in.substr(cursor.at, end - cursor.at);
  bool complete = end < cursor.in.size();
  cursor.at = end;
  // Most lines end in something else: one look instead of following the pattern.
  size_t last = segment.ends_with('\r') && segment.size() > 1 ? segment.size() - 2 : segment.size() - 1;
  bool cannot_be = complete && segment.size() > 1 && segment[last] != '}';
  if (cannot_be) {
    tail_.reset();
  } else {
    tail_.feed(segment);
  }
  if (!complete) return true;
  ++cursor.at;
  if (!tail_.found()) {
    end_line();
    return true;
  }
  left_ = tail_.size();
  state_ = State::literal;
  return !tail_.overflowed();
}

void BackendStream::at_literal(Cursor& cursor) {
  size_t size = static_cast<size_t>(std::min<uint64_t>(left_, cursor.in.size() - cursor.at));
  left_ -= size;
  cursor.at += size;
  if (left_ == 0) to_data();
}

void BackendStream::end_line() {
  switch (kind_) {
    case Kind::ok:
    case Kind::refusal:
      if (alias_ == 0) break;
      both_.exchange.tagged(alias_, kind_ == Kind::ok);
      both_.aliases.answered(alias_);
      break;
    case Kind::continuation:
      both_.exchange.continuation();
      break;
    case Kind::complaint:
      both_.exchange.complaint();
      break;
    case Kind::other:
      break;
  }
  state_ = State::start;
}

}  // namespace postigo::imap
