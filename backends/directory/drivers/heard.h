// Heard: what somebody else said of a user and his password (a bind, PAM), and the answer that it makes.
#pragma once

#include <string>

#include "backends/directory/entry.h"

namespace postigo {

struct Heard {
  // ok: he is known; and where his password was asked about, it is right.
  Verdict verdict = Verdict::try_later;
  Entry entry = {};         // when ok
  std::string name = {};    // when ok: how he is called there; empty: as in the query
  std::string detail = {};  // for our log; never a secret
};

// Answers `lookup`, now or on a later turn. `how` hashes nothing: enabled says who checks, they or the backend.
void answer_heard(Env& env, Lookup& lookup, Query query, Heard heard, const Checking& how);

// A name that goes to others: text, with nothing in it that could end a line or a string, and no longer than any
// mailbox's. What is none is nobody's name.
bool may_be_asked(std::string_view user);

}  // namespace postigo
