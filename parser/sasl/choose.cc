// What "AUTO" means, and why it is not the default.
//
// A backend lists what it can do, and not what it can do for this user: Dovecot offers SCRAM for all of its passdbs,
// also for one that has only bcrypt. So a client's own password is said as it is, unless a mechanism is named: to try
// twice would make two failures of each wrong one. A secret of ours (the master's, a user's from a directory) was set
// up at the backend by whoever writes "AUTO" here; if it does not fit, nobody gets in, and a line says so.
#include "parser/sasl/choose.h"

#include <algorithm>
#include <string>

namespace postigo::sasl {
namespace {

using Lists = std::function<bool(std::string_view)>;

constexpr std::string_view kPassword = "PLAIN";

// TLS 1.2 has bindings, too, but none that a resumed session and every server agree on.
bool can_bind(const BackPolicy& policy) {
  return policy.channel != nullptr && !policy.channel->channel_binding("tls-exporter").empty();
}

Result<const ClientMechanism*> first_listed(DoorKey key, const Lists& lists, const char* otherwise) {
  for (const ClientMechanism& row : client_mechanisms()) {
    if (row.key == key && lists(row.name)) return &row;
  }
  return fail(otherwise);
}

const ClientMechanism* strongest(const BackPolicy& policy, const Lists& lists) {
  for (const ClientMechanism& row : client_mechanisms()) {
    if (row.proves && lists(row.name) && (!row.binds || can_bind(policy))) return &row;
  }
  return nullptr;
}

// REQUIRES: it is one for passwords.
Result<const ClientMechanism*> named(const BackPolicy& policy, const BackLogin& login, const Lists& lists) {
  const ClientMechanism* row = find_client_mechanism(policy.mechanism);
  std::string name(row->name);
  if (!lists(row->name)) return fail("the backend does not offer " + name + ", which its `mechanism` asks for");
  if (!row->authzid && !login.authzid.empty()) {
    return fail(name + ", its `mechanism`, cannot say whom somebody acts as");
  }
  if (row->binds && !can_bind(policy)) {
    return fail("there is nothing that " + name + ", its `mechanism`, could bind to: it needs TLS 1.3");
  }
  return row;
}

}  // namespace

bool lists_binding(const Lists& lists) {
  const auto rows = client_mechanisms();
  return std::any_of(rows.begin(), rows.end(), [&](const auto& row) { return row.binds && lists(row.name); });
}

bool says_password(const BackPolicy& policy, const BackLogin& login) {
  if (login.key != DoorKey::password || policy.mechanism == kPassword) return login.key == DoorKey::password;
  if (policy.mechanism == kStrongest) return !login.master;
  const ClientMechanism* row = find_client_mechanism(policy.mechanism);
  return row == nullptr || row->key != DoorKey::password;  // EXTERNAL: of those whom our certificate does not speak for
}

Result<const ClientMechanism*> choose(const BackPolicy& policy, const BackLogin& login, const Lists& lists) {
  switch (login.key) {
    case DoorKey::token:
      return first_listed(DoorKey::token, lists,
                          "the backend offers no mechanism for tokens, which forward_tokens needs");
    case DoorKey::certificate:
      return first_listed(DoorKey::certificate, lists,
                          "the backend does not offer EXTERNAL, which its `mechanism` asks for");
    case DoorKey::password:
      break;
  }
  if (says_password(policy, login)) return nullptr;
  return policy.mechanism == kStrongest ? strongest(policy, lists) : named(policy, login, lists);
}

}  // namespace postigo::sasl
