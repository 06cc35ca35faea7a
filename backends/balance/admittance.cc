// Who waits, for how long, and who is told what. Not here: the counts (places.cc), the order of those who wait
// (waiting_line.h), what a login does without a turn (proxy/session/upstream: on to the next candidate).
#include "backends/balance/admittance.h"

namespace postigo {
namespace {

constexpr uint64_t kGrowMs = 1'500;  // for places that grow; nobody is told later than that that there is none

Admittance::Why why_of(Places::Lack lack) {
  switch (lack) {
    case Places::Lack::sessions:
      return Admittance::Why::sessions;
    case Places::Lack::rate:
      return Admittance::Why::rate;
    case Places::Lack::nothing:
    case Places::Lack::logins:
      break;
  }
  return Admittance::Why::logins;
}

}  // namespace

void Admittance::leave() {
  line_.release();
  seat_.release();
  waits_ = false;
}

bool Admittance::overfills_pool(const Question& question, uint64_t more) {
  return question.pool != nullptr && question.pool->sessions() + more > question.pool->sessions_max;
}

// The pool's own is looked at first, so that who is refused takes nothing of the rate; and again with a place in the
// hand, so that two who come together see each other: both may be refused the last one.
Places::Room Admittance::room(const Question& question) {
  why_ = Why::pool;
  if (overfills_pool(question, 1)) return {};
  size_t ahead = line_ ? line_.ahead() : question.at.queue.size();
  Places::Room room = question.places.ask(question.at, question.terms, ahead, question.now_ms);
  why_ = why_of(room.lack);
  if (room.seat && overfills_pool(question, 0)) {
    room.seat.release();
    why_ = Why::pool;
  }
  return room;
}

Admittance::Answer Admittance::ask(const Question& question) {
  Places::Room found = room(question);
  if (found.seat) {
    leave();
    seat_ = std::move(found.seat);
    return Answer::go;
  }
  if (why_ == Why::pool) return Answer::no;
  if (found.lack != Places::Lack::logins && !line_) return line_up(question);
  if (!std::exchange(waits_, true)) since_ms_ = question.now_ms;
  const uint64_t patience_ms = line_ ? question.terms.queue_timeout_ms : kGrowMs;
  bool hopes = line_ || question.places.grows(question.at);
  return hopes && question.now_ms < since_ms_ + patience_ms ? Answer::wait : Answer::no;
}

Admittance::Answer Admittance::line_up(const Question& question) {
  if (question.elsewhere()) return Answer::no;
  line_ = question.at.queue.join(question.terms.queue_max);
  if (!line_) {
    why_ = Why::queue;
    return Answer::no;
  }
  waits_ = true;
  since_ms_ = question.now_ms;
  return Answer::wait;
}

}  // namespace postigo
