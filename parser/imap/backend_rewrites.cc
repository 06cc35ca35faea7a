// What the backend's side of the relay writes anew: capability lists and the ID response. Where they begin and what
// else a line holds is backend_stream.cc's matter.
#include <algorithm>
#include <array>

#include "parser/base/ascii.h"
#include "parser/imap/backend_stream.h"

namespace postigo::imap {
namespace {

constexpr Bytes kPair = "\"x-proxy\" \"Postigo\"";  // RFC 2971 5: an intermediary advertises its presence (T38)
constexpr Bytes kPairAlone = "(\"x-proxy\" \"Postigo\")";
constexpr Bytes kNilLetters = "NIL";

}  // namespace

// --- capability lists -----------------------------------------------------------------------------------------------

void BackendStream::begin_list(Cursor& cursor, bool in_code) {
  cursor.mark = cursor.at;
  in_code_ = in_code;
  list_ = std::make_unique<List>(*both_.policy);
  if (both_.counts.lists != nullptr) both_.counts.lists->inc();
  state_ = State::list;
}

// What is undecided is one blank and the atom behind it: they pass or go together.
void BackendStream::at_list(Cursor& cursor) {
  char c = cursor.peek();
  if (c == ' ' || ends_list(c)) {
    decide_atom(cursor);
    cursor.mark = cursor.at;
    if (c == ' ') {
      ++cursor.at;
    } else {
      state_ = State::list_end;
    }
    return;
  }
  ++cursor.at;
  if (list_->held.size() + (cursor.at - cursor.mark) > limits::kCapabilityAtomMax) {
    list_->too_long = true;
    list_->held.drop();
    cursor.drop_marked();
  }
}

void BackendStream::decide_atom(Cursor& cursor) {
  std::array<char, limits::kCapabilityAtomMax + 1> buffer;
  size_t size = 0;
  for (char c : list_->held.view()) buffer[size++] = c;
  for (size_t i = cursor.mark; i < cursor.at; ++i) buffer[size++] = cursor.in[i];
  Bytes atom(buffer.data(), size);
  if (atom.starts_with(' ')) atom.remove_prefix(1);
  bool keep = !list_->too_long && list_->rewriter.keep(atom);
  list_->too_long = false;
  if (keep) {
    release(cursor);
  } else {
    list_->held.drop();
    cursor.drop_marked();
  }
}

// What ends the list stays where it is until all additions are said, which may take several calls.
void BackendStream::at_list_end(Cursor& cursor) {
  if (list_->addition.empty()) list_->addition = list_->rewriter.next_addition();
  if (list_->addition.empty()) {
    // Slices of this call may point into the list with which it began.
    if (!spent_) spent_ = std::move(list_);
    state_ = State::text;
    return;
  }
  cursor.insert(" ");
  cursor.insert(list_->addition);
  list_->addition = {};
}

// --- ID -------------------------------------------------------------------------------------------------------------

void BackendStream::at_id(Cursor& cursor) {
  char c = cursor.peek();
  if (c == ' ') {
    ++cursor.at;
  } else if (c == '(') {
    ++cursor.at;
    cursor.mark = cursor.at;
    pair_said_ = 0;
    state_ = State::id_open;
  } else if (to_upper(c) == kNilLetters[0]) {
    cursor.mark = cursor.at;
    state_ = State::id_nil;
  } else {
    to_data();
  }
}

void BackendStream::at_id_nil(Cursor& cursor) {
  size_t matched = held_.size() + (cursor.at - cursor.mark);
  char c = cursor.peek();
  if (matched < kNilLetters.size() && to_upper(c) == kNilLetters[matched]) {
    ++cursor.at;
    return;
  }
  if (matched == kNilLetters.size() && (c == '\r' || c == '\n' || c == ' ')) {
    held_.drop();
    cursor.drop_marked();
    cursor.insert(kPairAlone);
  } else if (held_.size() > 0) {
    cursor.out.add(held_.release());
  }
  to_data();
}

// What matched so far is our pair's beginning, octet by octet, so it need not be kept. A field must not be said twice
// (RFC 2971 3.3): behind another Postigo, which puts the same pair first, nothing is added.
void BackendStream::at_id_open(Cursor& cursor) {
  size_t matched = pair_said_ + (cursor.at - cursor.mark);
  char c = cursor.peek();
  if (matched < kPair.size() && c == kPair[matched]) {
    ++cursor.at;
    return;
  }
  cursor.pass_until(cursor.mark);
  if (matched < kPair.size()) {
    cursor.out.add(kPair);
    if (matched > 0 || (c != ')' && c != ' ')) cursor.out.add(" ");
  }
  cursor.out.add(kPair.substr(0, pair_said_));
  to_data();
}

void BackendStream::release(Cursor& cursor) {
  if (list_->held.size() > 0) cursor.out.add(list_->held.release());
}

}  // namespace postigo::imap
