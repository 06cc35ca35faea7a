// Who waits, for how long, and who is told what. Not here: the counts (places.cc), the order of those who wait
// (backends/balance/waiting_line), what a login does without a turn (upstream.cc: on to the next candidate).
#include "proxy/session/admittance.h"

namespace postigo {
namespace {

constexpr uint64_t kGrowMs = 1'500;  // for places that grow; nobody is told later than that that there is none

BackendError error_of(Places::Lack lack) {
  switch (lack) {
    case Places::Lack::sessions:
      return BackendError::session_limit;
    case Places::Lack::rate:
      return BackendError::login_rate;
    case Places::Lack::nothing:
    case Places::Lack::logins:
      break;
  }
  return BackendError::full;
}

}  // namespace

std::string_view Admittance::why() const {
  switch (error_) {
    case BackendError::session_limit:
      return "has as many sessions as it may: sessions_max";
    case BackendError::login_rate:
      return "gets as many logins a second as it may: logins_per_s";
    case BackendError::queue_full:
      return "has no room, and as many wait for it as may: queue_max";
    case BackendError::pool_limit:
      return "its pool has as many sessions as it may: sessions_max";
    default:
      return "too many logins are under way there";
  }
}

void Admittance::leave() {
  line_.release();
  seat_.release();
  until_ms_ = 0;
}

bool Admittance::overfills_pool(const Question& question, uint64_t more) {
  return question.pool != nullptr && question.pool->sessions() + more > question.pool->sessions_max;
}

// The pool's own is looked at first, so that who is refused takes nothing of the rate; and again with a place in the
// hand, so that two who come together see each other: both may be refused the last one.
Places::Room Admittance::room(const Question& question) {
  error_ = BackendError::pool_limit;
  if (overfills_pool(question, 1)) return {};
  size_t ahead = line_ ? line_.ahead() : question.state.queue.size();
  Places::Room room = question.places.ask(question.state, question.terms, ahead, question.now_ms);
  error_ = error_of(room.lack);
  if (room.seat && overfills_pool(question, 0)) {
    room.seat.release();
    error_ = BackendError::pool_limit;
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
  if (error_ == BackendError::pool_limit) return Answer::no;
  if (found.lack != Places::Lack::logins && !line_) return line_up(question);
  if (until_ms_ == 0) until_ms_ = question.now_ms + kGrowMs;
  bool hopes = line_ || question.places.grows(question.state);
  return hopes && question.now_ms < until_ms_ ? Answer::wait : Answer::no;
}

Admittance::Answer Admittance::line_up(const Question& question) {
  if (question.elsewhere()) return Answer::no;
  line_ = question.state.queue.join(question.terms.queue_max);
  if (!line_) {
    error_ = BackendError::queue_full;
    return Answer::no;
  }
  question.numbers.queued.inc();
  until_ms_ = question.now_ms + question.terms.queue_timeout_ms;
  return Answer::wait;
}

}  // namespace postigo
