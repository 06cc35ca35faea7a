// LastUses: writes down when passwords for programs were used last, so that their user sees which of them nobody needs.
//
// Off every login's path: a thread of its own writes what has gathered, and a password is written down once a minute at
// most. What cannot be written, because the file is not ours to write or too much gathers, is lost: it bars nobody. Any
// thread may tell; the object may go at any time.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "backends/directory/app_password.h"
#include "backends/work/offload.h"

namespace postigo {

class LastUses {
 public:
  explicit LastUses(std::string path);  // of a SQLite directory
  ~LastUses();

  void tell(const std::string& user, const AppPassword& password, int64_t now_s);

 private:
  struct Gathered;

  std::shared_ptr<Gathered> gathered_;
  std::mutex mutex_;
  std::unique_ptr<Offload> thread_;  // from the first one on
};

}  // namespace postigo
