// PamService: what one service of PAM says about a name and a password. Blocks for as long as its modules do; any
// thread, as far as they are fit for that.
#pragma once

#include <string>
#include <string_view>

#include "backends/directory/drivers/heard.h"
#include "parser/base/result.h"
#include "parser/base/secret.h"

namespace postigo {

class PamService {
 public:
  // `folder` as in pam.h.
  PamService(std::string name, std::string folder) : name_(std::move(name)), folder_(std::move(folder)) {}

  // Whether there is such a service; PAM itself would take "other" for it.
  Result<void> exists() const;

  // "auth" and then "account". An empty password is always wrong, and so is one with a NUL in it.
  Heard authenticate(const std::string& user, const Secret& password, const std::string& client_ip) const;
  // "account" alone: whoever it lets in, or would let in at another time, is known.
  Heard account(const std::string& user, const std::string& client_ip) const;

 private:
  std::string name_, folder_;
};

}  // namespace postigo
