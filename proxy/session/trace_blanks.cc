// Words are looked at as IMAP (behind a tag) and as POP3 (at once): what looks like a secret in the other protocol is
// hidden in vain, no more. Not here: where it goes (trace.cc).
#include "proxy/session/trace_blanks.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "parser/base/ascii.h"

namespace postigo {
namespace {

constexpr size_t kWordMax = 64;  // longer ones are no verb, and no tag that anybody uses
constexpr size_t kTailMax = 24;  // "{18446744073709551615+}"
constexpr unsigned kVerbWords = 2;

bool is_one_of(std::string_view word, auto const& all) {
  return std::any_of(all.begin(), all.end(), [&](std::string_view each) { return equal_ignoring_case(word, each); });
}

bool begins_sasl(std::string_view word) {
  constexpr std::array<std::string_view, 2> kVerbs = {"AUTHENTICATE", "AUTH"};
  return is_one_of(word, kVerbs);
}

bool has_secret(std::string_view word) {
  constexpr std::array<std::string_view, 4> kVerbs = {"LOGIN", "PASS", "APOP", "XCLIENT"};
  return begins_sasl(word) || is_one_of(word, kVerbs);
}

// Of "... {12}" and "... {12+}".
std::optional<uint64_t> literal_at_end(std::string_view line) {
  size_t open = line.rfind('{');
  if (open == std::string_view::npos || !line.ends_with('}')) return std::nullopt;
  uint64_t size = 0;
  std::from_chars(line.data() + open + 1, line.data() + line.size(), size);
  return size;
}

}  // namespace

std::string TraceBlanks::show(Bytes data) {
  std::string shown;
  for (char c : data) take(c, shown);
  return shown;
}

void TraceBlanks::server_said(Bytes data) {
  for (char c : data) {
    if (c == '\n') {
      server_line();
    } else if (said_.size() <= kWordMax) {
      said_ += c;
    }
  }
}

// Commands may have been sent ahead of AUTH: their answers end nothing. In IMAP it is the tag that tells them apart, in
// POP3 their number; what looks like an answer within a mail is counted, too.
void TraceBlanks::server_line() {
  const std::string_view word = std::string_view(said_).substr(0, said_.find_first_of(" \r"));
  if (word == "+OK" || word == "-ERR") {
    if (unanswered_ > 0) --unanswered_;
    if (awaited_.empty() && unanswered_ == 0) exchange_ = false;
  } else if (!awaited_.empty() && word == awaited_) {
    exchange_ = false;
  }
  said_.clear();
}

void TraceBlanks::hide(std::string& shown) {
  if (!hidden_) shown += "***";
  hidden_ = true;
}

void TraceBlanks::take(char c, std::string& shown) {
  if (state_ == State::literal) {
    hide(shown);
    if (--literal_ == 0) state_ = State::secret;
    return;
  }
  if (state_ == State::words && words_ == 0 && word_.empty()) veiled_ = exchange_;
  bool ends_line = c == '\n' || c == '\r', ends_word = ends_line || c == ' ' || c == '\t';
  if (state_ == State::words && ends_word) end_word();
  if (state_ == State::words && !ends_word && word_.size() <= kWordMax) word_ += c;
  if (state_ == State::clear && is_id_) look_for_fields(c);
  const bool secret = state_ == State::secret || veiled_;
  if (secret && !ends_line && c != ' ') {
    hide(shown);
    if (state_ == State::secret) note_tail(c);
  } else if (!secret || ends_line || !hidden_) {
    shown += c;
    hidden_ = hidden_ && !ends_line;
  }
  if (c == '\n') end_line();
}

void TraceBlanks::note_tail(char c) {
  if (c == '\n' || c == '\r') return;
  tail_ += c;
  if (tail_.size() > kTailMax) tail_.erase(0, 1);
}

// From there on nothing is shown of the line: values may have blanks and quotes.
void TraceBlanks::look_for_fields(char c) {
  constexpr std::string_view kForward = "x-forward-";
  note_tail(c);
  const char low = to_lower(c);
  forward_ = low == kForward[forward_] ? forward_ + 1 : low == kForward[0] ? 1 : 0;
  if (forward_ < kForward.size()) return;
  forward_ = 0;
  state_ = State::secret;
}

void TraceBlanks::end_word() {
  if (word_.empty()) return;
  ++words_;
  is_id_ = is_id_ || (words_ == kVerbWords && equal_ignoring_case(word_, "ID"));
  if (words_ == 1) first_ = word_;
  starts_sasl_ = starts_sasl_ || begins_sasl(word_);
  if (has_secret(word_)) {
    state_ = State::secret;
  } else if (words_ == kVerbWords) {
    state_ = State::clear;
  }
  word_.clear();
}

// Of several exchanges that were begun at once the last ends the veil.
void TraceBlanks::end_line() {
  auto literal = state_ == State::secret || is_id_ ? literal_at_end(tail_) : std::nullopt;
  if (starts_sasl_) {
    exchange_ = true;
    awaited_ = begins_sasl(first_) ? std::string() : first_;
  }
  if (starts_sasl_ || !veiled_) ++unanswered_;
  starts_sasl_ = false;
  veiled_ = false;
  tail_.clear();
  word_.clear();
  words_ = 0;
  literal_ = literal.value_or(0);
  is_id_ = false;
  forward_ = 0;
  state_ = !literal ? State::words : literal_ > 0 ? State::literal : State::secret;
}

}  // namespace postigo
