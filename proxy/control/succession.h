// Succession: another process takes this one's place: one that we start (an upgrade), or one that asks (a takeover).
//
// It is given the estate and has a time to say that it serves. Until then nothing changes here; whatever goes wrong
// there, this process goes on as if nothing had been. Confined to the control thread's loop.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "proxy/control/ear.h"
#include "proxy/control/estate.h"
#include "proxy/net/loop.h"

namespace postigo {

class Succession {
 public:
  // Empty: it serves, and this process has to go. Else why it does not, in one line.
  using Then = std::function<void(const std::string& failure, pid_t successor)>;

  explicit Succession(Loop& loop);
  ~Succession();

  // Starts `command` (with its path first) with the estate. The account, NO_NEW_PRIVS and what was lent to bind ports
  // below 1024 are this process's. Secrets that came from the environment are in its environment.
  void start(const std::vector<std::string>& command, const Estate& estate, uint64_t timeout_ms, Then then);
  // To a process that has asked; the conversation is taken.
  void give(Descriptor conversation, const Estate& estate, uint64_t timeout_ms, Then then);

  bool under_way() const { return then_ != nullptr; }
  void close();  // nothing is told any more; a successor that does not serve yet finds out

 private:
  void expect(Descriptor conversation, const Estate& estate, uint64_t timeout_ms);
  void heard();
  void ended();
  void time_is_over();
  void fail_with(std::string why);
  void settle(std::string failure);
  void drop(std::unique_ptr<Ear>& ear);

  Loop& loop_;
  Timer timer_;
  std::unique_ptr<Ear> conversation_, child_;
  pid_t pid_ = 0;
  std::string failure_;  // known, but the child has not ended yet
  bool killed_ = false;  // by us
  Then then_;
};

}  // namespace postigo
