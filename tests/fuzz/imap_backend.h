// A backend for fuzzing the IMAP relay filter: it reads as Dovecot, Cyrus and Courier were seen to read, each line in
// one of the ways that at least one of them has, and shouts when a verb is run that must never arrive.
//
// It is as tolerant as any of them where that helps an attacker: tags with "+", blanks before a tag, tabs for blanks,
// NUL as an end, a bare CR as a line's end, IDLE with arguments, and after an error the rest of a line as a new
// command. What it does with the octets behind a literal that it did not grant is what a server may do: skip them, or
// run them.
#pragma once

#include <algorithm>
#include <deque>
#include <string>
#include <utility>

#include "parser/base/ascii.h"
#include "parser/base/bytes.h"
#include "parser/framing/literal_tail.h"
#include "tests/fuzz/chunks.h"

namespace postigo::fuzz {

class ImapBackend {
 public:
  // How it errs, beside how it reads.
  struct Manners {
    bool forgets = false;        // now and then an answer is lost, doubled, or only an untagged one
    bool acts_on_cr = false;     // Dovecot 2.3
    bool runs_the_rest = false;  // of a line behind an error: Dovecot's APPEND
    bool plus_tags = false;      // Cyrus
    bool lenient = false;        // blanks, tabs and NUL
    bool runs_literals = false;  // of "{n+}" behind a command that it refuses early
    bool allows_compress = false;
  };

  ImapBackend(uint64_t seed, Manners manners) : decisions_(seed), manners_(manners) {}

  void receive(Bytes octets) {
    for (char c : octets) {
      bool of_cr = std::exchange(after_cr_, false) && c == '\n';
      if (of_cr) continue;
      if (literal_ > 0) {
        --literal_;
        continue;
      }
      line_ += c;
      after_cr_ = c == '\r' && manners_.acts_on_cr && decisions_.yes();
      if (c == '\n' || after_cr_) on_line();
    }
  }
  std::deque<std::string> replies;

 private:
  static constexpr uint64_t kTake = 1 << 20;  // nobody sends more here

  bool is_blank(char c) const { return c == ' ' || (manners_.lenient && (c == '\t' || c == '\0')); }

  Bytes word(Bytes& text) const {
    while (manners_.lenient && !text.empty() && is_blank(text[0])) text.remove_prefix(1);
    size_t end = 0;
    while (end < text.size() && !is_blank(text[end]) && text[end] != '\r' && text[end] != '\n') ++end;
    Bytes result = text.substr(0, end);
    text.remove_prefix(end);
    if (!text.empty() && is_blank(text[0])) text.remove_prefix(1);
    return result;
  }

  void on_line() {
    std::string line = std::exchange(line_, {});
    while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.pop_back();
    if (idle_) {
      idle_ = false;
      return reply(idle_tag_ + (equal_ignoring_case(line, "DONE") ? " OK idle is over" : " BAD expected DONE"));
    }
    if (continued_) return on_arguments(line);
    run(line);
  }

  void run(Bytes line) {
    Bytes text = line;
    tag_ = std::string(word(text));
    verb_ = upper(word(text));
    if (verb_ == "UID") verb_ = upper(word(text));
    for (Bytes verb : {"UNAUTHENTICATE", "LOGIN", "AUTHENTICATE", "STARTTLS", "COMPRESS"}) {
      check(verb_ != verb || (verb == "COMPRESS" && manners_.allows_compress), "no forbidden verb is run");
    }
    if (tag_.empty() || tag_ == "*" || (tag_[0] == '+' && !manners_.plus_tags)) return reply("* BAD no tag");
    if (verb_.empty()) return reply(text.empty() && decisions_.yes() ? "* BAD no command" : tag_ + " BAD no command");
    refused_ = decisions_.below(4) == 0;
    if (verb_ == "IDLE" && !refused_) {  // whatever stands behind it
      idle_ = true;
      idle_tag_ = tag_;
      return reply("+ idling");
    }
    on_arguments(text);
  }

  // The place at which Dovecot's parser gives up, or npos.
  static size_t error_in(Bytes text) {
    int depth = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      char c = text[i];
      if (c == '"') {
        size_t end = i + 1;
        while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
        if (end >= text.size()) return i + 1;
        i = end;
      } else if (c == '{') {
        size_t end = text.find_first_not_of("0123456789+", i + 1);
        if (end == Bytes::npos || text[end] != '}' || end - i > 20) return std::min(end, text.size());
        if (end + 1 < text.size()) return end + 1;
        i = end;
      } else if (c == '(') {
        ++depth;
      } else if (c == ')' && --depth < 0) {
        return i + 1;
      } else if (is_ctl(c) || c == '%' || c == '*' || static_cast<unsigned char>(c) >= 0x80) {
        return i + 1;
      }
    }
    return Bytes::npos;
  }

  void on_arguments(Bytes text) {
    continued_ = false;
    size_t error = verb_ == "APPEND" && manners_.runs_the_rest ? error_in(text) : Bytes::npos;
    if (error != Bytes::npos) {
      reply(tag_ + " BAD syntax");
      if (error < text.size()) run(std::string(text.substr(error)));
      return;
    }
    LiteralTail tail;
    tail.feed(text);
    if (tail.found()) return on_literal(tail);
    reply(tag_ + (refused_ ? " NO not done" : " OK done"));
  }

  void on_literal(const LiteralTail& tail) {
    uint64_t size = std::min<uint64_t>(tail.size(), kTake);
    if (!tail.sync()) {
      if (refused_ && manners_.runs_literals) return reply(tag_ + " BAD early, and its octets are commands");
      literal_ = size;
      continued_ = true;
      return;
    }
    if (refused_) return reply(tag_ + " NO no literal today");
    literal_ = size;
    continued_ = true;
    reply("+ go on");
  }

  void reply(std::string text) {
    uint64_t mood = manners_.forgets ? decisions_.below(8) : 7;
    if (mood == 0) return;
    if (mood == 1) return replies.push_back("* NO something\r\n");
    if (decisions_.below(4) == 0) replies.push_back("* 1 FETCH (BODY[] {7}\r\na OK x\n UID 3)\r\n");
    if (decisions_.below(8) == 0) replies.push_back("* CAPABILITY IMAP4rev1 AUTH=PLAIN IDLE\r\n");
    replies.push_back(std::move(text) + "\r\n");
    if (mood == 2 && replies.back()[0] != '+') replies.push_back(replies.back());
  }

  Decisions decisions_;
  Manners manners_;
  std::string line_;
  std::string tag_;
  std::string verb_;
  std::string idle_tag_;
  uint64_t literal_ = 0;
  bool after_cr_ = false;
  bool continued_ = false;
  bool refused_ = false;
  bool idle_ = false;
};

}  // namespace postigo::fuzz
