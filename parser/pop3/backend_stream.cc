// Follows the replies and rewrites CAPA (RFC 2449 5): first what we promised before login, then those lines of the
// backend that may pass; if it has no list, then only ours, because what was announced must stay so. A line that is no
// reply while one is due passes without being counted as one, so a listing that we did not expect cannot shift what
// comes after it.
#include "parser/pop3/backend_stream.h"

namespace postigo::pop3 {

void BackendStream::Cursor::flush() {
  out.add(in.substr(from, at - from));
  from = at;
}

FilterStep BackendStream::feed(Bytes in, Slices& out, ReplyQueue& owed) {
  constexpr size_t kRoom = 3;  // a state adds at most three slices, or two and leaves some to flush
  Cursor cursor{in, out};
  while (cursor.at < in.size() && out.all().size() + kRoom <= Slices::kMax) run(cursor, owed);
  cursor.flush();
  return {cursor.at, FilterStep::State::ok};
}

void BackendStream::run(Cursor& cursor, ReplyQueue& owed) {
  switch (state_) {
    case State::between:
      return between(cursor, owed);
    case State::line:
      return line(cursor);
    case State::body:
    case State::body_start:
    case State::body_dot:
    case State::body_cr:
      return body(cursor);
    case State::promise:
      return promise(cursor);
    case State::tag:
      return tag(cursor);
    case State::keep:
      return keep(cursor);
    case State::drop:
      return drop(cursor);
    case State::capa_cr:
      return capa_cr(cursor);
    case State::no_list:
      return no_list(cursor);
  }
}

void BackendStream::between(Cursor& cursor, ReplyQueue& owed) {
  char c = cursor.in[cursor.at];
  shape_ = Shape::single;
  if ((c == '+' || c == '-') && !owed.empty()) {
    Shape expected = owed.pop();
    if (expected == Shape::capa_of) expected = c == '+' ? Shape::capa : Shape::single;
    if (c == '+') shape_ = expected;
    if (c == '-' && expected == Shape::capa) return own_list(cursor);
  }
  state_ = State::line;
}

void BackendStream::line(Cursor& cursor) {
  size_t end = cursor.in.find('\n', cursor.at);
  if (end == Bytes::npos) {
    cursor.at = cursor.in.size();
    return;
  }
  cursor.at = end + 1;
  switch (shape_) {
    case Shape::single:
      state_ = State::between;
      break;
    case Shape::listing:
      state_ = State::body_start;
      break;
    case Shape::capa:
    case Shape::capa_of:  // is one of the others by now
      promised_ = 0;
      if (lists_ != nullptr) lists_->inc();
      state_ = State::promise;
      break;
  }
}

// One step of the search for CRLF "." CRLF. A lone LF counts as a line end: between two stuffed lines no other dot can
// stand there. The first case is where the octets of all mail go: one memchr per line.
void BackendStream::body(Cursor& cursor) {
  char c = cursor.in[cursor.at];
  if (state_ == State::body) {
    size_t dot = cursor.in.find("\n.", cursor.at);
    if (dot != Bytes::npos) {
      cursor.at = dot + 2;
      state_ = State::body_dot;
    } else {
      cursor.at = cursor.in.size();
      if (cursor.in.back() == '\n') state_ = State::body_start;
    }
    return;
  }
  if (state_ == State::body_start && c == '.') {
    state_ = State::body_dot;
  } else if (state_ == State::body_dot && c == '\r') {
    state_ = State::body_cr;
  } else if (state_ != State::body_start && c == '\n') {
    state_ = State::between;
  } else {
    state_ = State::body;
    return;
  }
  ++cursor.at;
}

// One capability of ours per call. The backend's first octet is not consumed before all are said, so that the caller
// comes back when the slices were full.
void BackendStream::promise(Cursor& cursor) {
  uint32_t index = promised_++;
  Bytes ours;
  if (index < kPromised.size()) {
    ours = kPromised[index];
  } else if (index == kPromised.size()) {
    ours = policy_->sasl;
    if (ours.empty()) return;
  } else if (index - kPromised.size() <= policy_->add.size()) {
    ours = policy_->add[index - kPromised.size() - 1];
    if (!may_add_after_login(ours)) return;
  } else {
    next_capability();
    if (own_) state_ = State::no_list;
    return;
  }
  if (hidden(*policy_, tag_of(ours))) return;
  cursor.flush();
  cursor.out.add(ours);
  cursor.out.add("\r\n");
}

void BackendStream::next_capability() {
  tag_size_ = 0;
  state_ = State::tag;
}

void BackendStream::tag(Cursor& cursor) {
  if (cursor.from != cursor.at) return cursor.flush();
  char c = cursor.in[cursor.at];
  if (static_cast<unsigned char>(c) <= 0x20) return end_tag(cursor);
  if (tag_size_ == tag_.size()) {
    state_ = State::drop;
    return;
  }
  tag_[tag_size_++] = c;
  cursor.skip_to(cursor.at + 1);
}

void BackendStream::end_tag(Cursor& cursor) {
  Bytes tag(tag_.data(), tag_size_);
  char c = cursor.in[cursor.at];
  if (tag == "." && c == '\n') return end_capa(cursor);
  if (tag == "." && c == '\r') {
    cursor.skip_to(cursor.at + 1);
    state_ = State::capa_cr;
    return;
  }
  std::string_view known = relayable(*policy_, tag);
  cursor.out.add(known);
  state_ = known.empty() ? State::drop : State::keep;
}

void BackendStream::keep(Cursor& cursor) {
  size_t end = cursor.in.find('\n', cursor.at);
  cursor.at = end == Bytes::npos ? cursor.in.size() : end + 1;
  if (end != Bytes::npos) next_capability();
}

void BackendStream::drop(Cursor& cursor) {
  size_t end = cursor.in.find('\n', cursor.at);
  cursor.skip_to(end == Bytes::npos ? cursor.in.size() : end + 1);
  if (end != Bytes::npos) next_capability();
}

void BackendStream::capa_cr(Cursor& cursor) {
  if (cursor.in[cursor.at] == '\n') return end_capa(cursor);
  state_ = State::drop;
}

// The backend's "-ERR" is not consumed before all of ours is said: see promise().
void BackendStream::own_list(Cursor& cursor) {
  cursor.flush();
  cursor.out.add("+OK\r\n");
  promised_ = 0;
  own_ = true;
  state_ = State::promise;
}

void BackendStream::no_list(Cursor& cursor) {
  cursor.flush();
  size_t end = cursor.in.find('\n', cursor.at);
  cursor.skip_to(end == Bytes::npos ? cursor.in.size() : end);
  if (end == Bytes::npos) return;
  own_ = false;
  end_capa(cursor);
}

void BackendStream::end_capa(Cursor& cursor) {
  cursor.out.add(".\r\n");
  cursor.skip_to(cursor.at + 1);
  state_ = State::between;
}

}  // namespace postigo::pop3
