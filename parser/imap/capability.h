// What of a backend's capability list a client may see (RFC 9051 6.1.1, 7.2.2; T36-T43).
//
// One decision for all doors: the login reply (front.h) and every later list in the stream (filter.h) go through
// CapabilityRewriter, atom by atom. Never shown: what only we can offer or what would lead around us (AUTH=, STARTTLS,
// UNAUTHENTICATE, referrals, ...), also not when the operator adds it. Shown: names that we know and that survive a
// proxy. Anything else is dropped (RFC 2971 5).
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "parser/base/bytes.h"
#include "parser/capability_policy.h"

namespace postigo::imap {

class CapabilityRewriter {
 public:
  // `policy` outlives the rewriter. One rewriter per list.
  explicit CapabilityRewriter(const CapabilityPolicy& policy) : policy_(policy) {}

  // For each atom of the backend's list, in order: shall the client see it here?
  bool keep(Bytes name);

  // After the last atom: what to append, one name per call, empty at the end. Points into the policy or is static.
  Bytes next_addition();

 private:
  bool first_time(Bytes upper_name, size_t known_index);

  const CapabilityPolicy& policy_;
  std::bitset<128> said_known_;       // what the client saw, by position in the table of names
  std::vector<uint64_t> said_other_;  // the same of names with parameters and of the operator's: hashes; bounded
  size_t next_ = 0;                   // of policy_.add
  bool rev1_ = false;
  bool rev2_held_ = false;
};

// The whole list at once, separated by single spaces.
std::string rewrite_capabilities(const std::vector<std::string>& backend, const CapabilityPolicy& policy);

// The same for the policy of a listener, remembering the last answer: backends say the same list at nearly every login.
// Valid until the next call on this thread.
const std::string& rewrite_capabilities(const std::vector<std::string>& backend,
                                        const std::shared_ptr<const CapabilityPolicy>& policy);

// Whether the operator hides `name`; what we say before login asks this too.
bool is_hidden(const CapabilityPolicy& policy, Bytes name);

}  // namespace postigo::imap
