// Predecessors: the processes that served before this one and still have sessions, and what they answer: each has a
// link to the newest process, which hands all of them on with its estate.
//
// An answer is waited for so long and no longer; who does not give it in time is named. Who ends has no sessions left,
// and nobody waits for him; who only lost his link may have some, and is named until he ends. Confined to the control
// thread's loop; nothing blocks.
//
// In a fleet other doors are asked like this, too; their links are connections, and one that is lost says nothing about
// the sessions behind it: it is named as missing until its lease is over.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/control/ear.h"
#include "proxy/control/link.h"
#include "proxy/net/timer_wheel.h"
#include "proxy/ops/metrics.h"

namespace postigo {

class Predecessors {
 public:
  using Json = Link::Json;
  static constexpr uint64_t kPatienceMs = 3'000;

  struct Answer {
    uint64_t from = 0;  // one and the same in all of its answers
    pid_t pid = 0;
    Json body;
  };
  struct Answers {
    std::vector<Answer> given;
    std::vector<std::string> missing;  // one line each: who, and why
  };
  using Then = std::function<void(Answers)>;

  Predecessors(Loop& loop, std::vector<Descriptor> links);
  ~Predecessors();

  // All of them. `then` is called once, at once if there is none or an upgrade is under way, and not after close().
  // `what`: a verb, or one of those that are asked here only (successor.cc).
  void ask(std::string_view what, const Json& parameters, Then then);

  size_t size() const { return links_.size(); }
  const PredecessorCounts& counts() const { return counts_; }

  // For a successor, which may begin to ask when it has them. Whoever waits for an answer hears so at once; until
  // go_on() nobody here is answered.
  std::vector<Descriptor> hand_on();
  void go_on();  // it did not come to that
  void close();  // it did, or we end

 private:
  struct Each {
    uint64_t id = 0;
    std::unique_ptr<Link> link;
    pid_t pid = 0;
    std::unique_ptr<Ear> process;  // null: the end of its link is its own
    bool broken = false;           // that link
    uint64_t sessions = 0;
  };
  struct Question {
    uint64_t number = 0, deadline_ms = 0;
    std::vector<uint64_t> waiting;  // for these of links_
    Answers answers;
    Then then;
  };

  void add(Descriptor link);
  void heard(uint64_t id, uint64_t number, const Json& message);
  void broke(uint64_t id);
  void ended(uint64_t id);
  Each* find(uint64_t id);
  void settle();
  void miss(Question& question, std::string_view why);
  void tick();
  void poll();
  void count();

  Loop& loop_;
  Timer timer_, poll_;
  std::vector<Each> links_;
  std::list<Question> questions_;
  uint64_t numbers_;
  bool paused_ = false, polling_ = false;
  PredecessorCounts counts_;
};

// The line for an answer that says something else than it should.
std::string not_understood(const Predecessors::Answer& answer);

}  // namespace postigo
