// Not here: the rules (backends/names).
#include "proxy/session/naming.h"

#include <utility>

namespace postigo {

bool be_called(Identity& identity, const std::string& otherwise, Spelling spelling, const Router& router) {
  std::string& name = identity.user;
  if (name.empty()) name = otherwise;
  if (name == otherwise) return true;
  auto known = router.normalise(name);
  if (!known) return false;
  if (known->empty()) *known = otherwise;
  if (spelling == Spelling::kept && identity.backend_user.empty() && *known != name) identity.backend_user = name;
  name = std::move(*known);
  return true;
}

}  // namespace postigo
