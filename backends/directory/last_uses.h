// LastUses: writes down when passwords for programs were used last, so that their user sees which of them nobody needs.
//
// Off every login's path: a thread of its own writes what has gathered, and a password is written down once a minute at
// most. What cannot be written, because it is not ours to write or too much gathers, is lost: it bars nobody, and is
// told once in a while. Any thread may tell; the object may go at any time.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "backends/directory/app_password.h"
#include "backends/work/offload.h"
#include "parser/base/result.h"

namespace postigo {

class LastUses {
 public:
  using Uses = std::map<std::pair<std::string, std::string>, int64_t>;  // unix time, by user and label
  using Write = std::function<Result<void>(const Uses& uses)>;          // blocks; on a thread of this object's

  explicit LastUses(Write write);
  ~LastUses();

  void tell(const std::string& user, const AppPassword& password, int64_t now_s);
  // Why something was lost since the last call; empty: nothing was.
  std::string take_trouble();

 private:
  struct Gathered;

  std::shared_ptr<Gathered> gathered_;
  std::mutex mutex_;
  std::unique_ptr<Offload> thread_;  // from the first one on
};

}  // namespace postigo
