// The bookkeeping between the directions; no octets here.
#include "parser/imap/exchange.h"

#include <utility>

namespace postigo::imap {

void Exchange::ask(Ask what, uint64_t alias) {
  ask_ = what;
  alias_ = alias;
  complained_ = answered_ = hurried_ = false;
  if (what == Ask::idle) idle_ = Idle::open;
}

Exchange::Verdict Exchange::take_verdict() { return std::exchange(verdict_, Verdict::none); }

void Exchange::line_passes(bool is_done) {
  if (idle_ != Idle::open) return;
  if (!is_done) {
    idle_ = Idle::ended;
  } else {
    idle_ = ask_ == Ask::none ? Idle::none : Idle::done;
  }
}

bool Exchange::give_up() {
  if (awaits_idle()) {
    hurried_ = true;
    return false;
  }
  lost_ = lost_ || probing_ || ask_ == Ask::compress;
  probing_ = true;
  return !lost_;
}

void Exchange::continuation() {
  if (probing_) lost_ = true;  // too late: our own command was a part of the literal
  switch (ask_) {
    case Ask::literal:
    case Ask::hidden_literal:
      verdict_ = Verdict::granted;
      break;
    case Ask::idle:
      if (idle_ == Idle::done) idle_ = Idle::none;  // it reads DONE next
      break;
    case Ask::compress:
    case Ask::none:
      return;  // nobody asked: it passes and changes nothing
  }
  ask_ = Ask::none;
}

void Exchange::tagged(uint64_t alias, bool ok) {
  if (alias < alias_) return;
  answered_ = true;
  if (ask_ == Ask::literal || ask_ == Ask::hidden_literal) verdict_ = Verdict::refused;
  compressed_ |= ask_ == Ask::compress && ok;
  ask_ = Ask::none;
  idle_ = Idle::none;
  probing_ = false;
}

}  // namespace postigo::imap
