// Questions and their answers. Not here: what a message is (link.cc), what is answered (successor.cc), what becomes of
// the answers (merge.cc, mover.cc, flush.cc).
#include "proxy/control/predecessors.h"

#include <fmt/format.h>
#include <uv.h>

#include <algorithm>

namespace postigo {
namespace {

constexpr uint64_t kQuestionTickMs = 100;
constexpr uint64_t kPollMs = 2'000;
constexpr const char* kNotAsked = "not asked: an upgrade is under way";
constexpr const char* kNotUnderstood = "its answer is not understood";

std::string line_of(pid_t pid, std::string_view why) {
  return fmt::format("process {} (from before an upgrade): {}", pid, why);
}

}  // namespace

std::string not_understood(const Predecessors::Answer& answer) { return line_of(answer.pid, kNotUnderstood); }

// No process asks a question for each nanosecond: so numbers are no other process's, and a late answer to somebody else
// is none to us.
Predecessors::Predecessors(Loop& loop, std::vector<Descriptor> links)
    : loop_(loop),
      timer_([](void* self) { static_cast<Predecessors*>(self)->tick(); }, this),
      poll_([](void* self) { static_cast<Predecessors*>(self)->poll(); }, this),
      numbers_(uv_hrtime()) {
  for (Descriptor& each : links) add(std::move(each));
  count();
  if (!links_.empty()) loop_.timers().arm(poll_, 0);
}

Predecessors::~Predecessors() = default;

void Predecessors::add(Descriptor end) {
  const uint64_t id = ++numbers_;
  auto link = std::make_unique<Link>(
      loop_, std::move(end),
      Link::Calls{.heard = [this, id](uint64_t number, const Json& message) { heard(id, number, message); },
                  .ended = [this, id] { broke(id); }});
  Each each;
  each.id = id;
  each.link = std::move(link);
  each.pid = each.link->maker();
  Descriptor process = each.link->process();
  const bool watched = process.get() >= 0;
  if (watched) each.process = std::make_unique<Ear>(loop_, std::move(process), [this, id] { ended(id); });
  links_.push_back(std::move(each));
}

Predecessors::Each* Predecessors::find(uint64_t id) {
  auto found = std::find_if(links_.begin(), links_.end(), [id](const Each& each) { return each.id == id; });
  return found != links_.end() ? &*found : nullptr;
}

void Predecessors::ask(std::string_view what, const Json& parameters, Then then) {
  if (links_.empty()) return then({});
  Question question;
  if (paused_) {
    for (const Each& each : links_) question.answers.missing.push_back(line_of(each.pid, kNotAsked));
    return then(std::move(question.answers));
  }
  question.number = ++numbers_;
  question.deadline_ms = loop_.now_ms() + kPatienceMs;
  question.then = std::move(then);
  // Nobody is to do later what nobody waits for any more.
  const Json message = {{"ask", what}, {"parameters", parameters}, {"until_ms", question.deadline_ms}};
  for (Each& each : links_) {
    if (each.broken) {
      question.waiting.push_back(each.id);  // for its end, no longer than for an answer
    } else if (!each.link->idle() || !each.link->send(question.number, message)) {
      question.answers.missing.push_back(line_of(each.pid, "does not answer"));
    } else {
      question.waiting.push_back(each.id);
    }
  }
  questions_.push_back(std::move(question));
  loop_.timers().arm(timer_, questions_.back().waiting.empty() ? 0 : kQuestionTickMs);
}

void Predecessors::heard(uint64_t id, uint64_t number, const Json& message) {
  auto found = std::find_if(questions_.begin(), questions_.end(),
                            [number](const Question& each) { return each.number == number; });
  if (found == questions_.end() || std::erase(found->waiting, id) == 0) return;  // too late
  const pid_t pid = find(id)->pid;
  auto body = message.find("answer");
  auto status = message.find("status");
  bool whole = body != message.end() && body->is_object() && status != message.end() && status->is_number_integer();
  if (whole && *status == 200) {
    found->answers.given.push_back({id, pid, *body});
  } else {
    auto why = whole ? body->find("error") : body;
    bool told = whole && why != body->end() && why->is_string();
    found->answers.missing.push_back(line_of(pid, told ? why->get<std::string>() : kNotUnderstood));
  }
  settle();
}

void Predecessors::broke(uint64_t id) {
  Each& each = *find(id);
  each.broken = true;
  if (each.process == nullptr) ended(id);
}

void Predecessors::ended(uint64_t id) {
  for (Question& each : questions_) std::erase(each.waiting, id);
  Each& gone = *find(id);
  gone.link->leave();
  loop_.bury(std::move(gone.link));
  if (gone.process) gone.process->leave();
  loop_.bury(std::move(gone.process));
  std::erase_if(links_, [id](const Each& each) { return each.id == id; });
  count();
  settle();
}

// Whoever hears of it may ask again.
void Predecessors::settle() {
  std::list<Question> over;
  for (auto each = questions_.begin(); each != questions_.end();) {
    auto next = std::next(each);
    if (each->waiting.empty()) over.splice(over.end(), questions_, each);
    each = next;
  }
  for (Question& each : over) each.then(std::move(each.answers));
}

void Predecessors::miss(Question& question, std::string_view why) {
  for (uint64_t id : question.waiting) question.answers.missing.push_back(line_of(find(id)->pid, why));
  question.waiting.clear();
}

void Predecessors::tick() {
  for (Question& each : questions_) {
    if (loop_.now_ms() >= each.deadline_ms) miss(each, "does not answer");
  }
  settle();
  if (!questions_.empty()) loop_.timers().arm(timer_, kQuestionTickMs);
}

void Predecessors::poll() {
  if (links_.empty()) return;
  loop_.timers().arm(poll_, kPollMs);
  if (std::exchange(polling_, true)) return;
  ask("status", Json::object(), [this](const Answers& answers) {
    polling_ = false;
    for (const Answer& answer : answers.given) {
      Each* each = find(answer.from);
      auto sessions = answer.body.find("sessions");
      bool known = each != nullptr && sessions != answer.body.end() && sessions->is_number_integer();
      if (known) each->sessions = sessions->get<uint64_t>();
    }
    count();
  });
}

void Predecessors::count() {
  uint64_t sessions = 0;
  for (const Each& each : links_) sessions += each.sessions;
  counts_.processes = links_.size();
  counts_.sessions = sessions;
}

std::vector<Descriptor> Predecessors::hand_on() {
  paused_ = true;
  std::vector<Descriptor> copies;
  for (Each& each : links_) {
    each.link->pause();
    copies.push_back(each.link->copy());
  }
  for (Question& each : questions_) miss(each, kNotAsked);
  settle();
  return copies;
}

void Predecessors::go_on() {
  paused_ = false;
  for (Each& each : links_) each.link->go_on();
}

void Predecessors::close() {
  timer_.cancel();
  poll_.cancel();
  questions_.clear();
  for (Each& each : links_) {
    each.link->leave();
    loop_.bury(std::move(each.link));
    if (each.process) each.process->leave();
    loop_.bury(std::move(each.process));
  }
  links_.clear();
  count();
}

}  // namespace postigo
