// Hook: one program of the operator's, run beside this process, and how it ended.
//
// It hears nothing, its output goes nowhere but its errors to ours, and of the environment it has PATH alone: no secret
// gets there. With the account and the standing of this process. Confined to the loop's thread.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backends/work/descriptor.h"
#include "parser/base/result.h"
#include "proxy/net/loop.h"

namespace postigo {

class Hook final : public Watched {
 public:
  using Then = std::function<void(const std::string& failure)>;  // empty: it ended with 0

  // `command` with its path first. `then` is called once, later, unless leave() was called before.
  static Result<std::unique_ptr<Hook>> start(Loop& loop, const std::vector<std::string>& command, Then then);
  ~Hook() override;  // through Loop::bury

  void kill();   // and all that it has started; `then` hears of it
  void leave();  // the same, and nobody hears of it

 private:
  Hook(Loop& loop, pid_t pid, Descriptor handle, Then then);
  void ready(uint32_t events) override;

  Loop& loop_;
  pid_t pid_;  // and its group
  Descriptor handle_;
  Then then_;
  bool gone_ = false;
};

// The program of that name in the folder: an error if there is no such file, or if the name is more than a name.
Result<std::string> hook_path(const std::string& folder, const std::string& name);

}  // namespace postigo
