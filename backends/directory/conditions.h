// Conditions: whether somebody who is who he says he is may come in, from there, by that way and now. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "backends/directory.h"
#include "backends/directory/entry.h"
#include "config/directory.h"

namespace postigo {

// Why not; nothing: he may. `client_ip`, protocol and listener are the query's.
std::optional<Barred> unmet(const config::Conditions& conditions, const Query& query, int64_t now_s);

// The same of a user and his domain together: what bars either bars him. Whose mail is moving hears of it only if
// nothing else bars him.
std::optional<Barred> barred(const Query& query, const Found& found, int64_t now_s);

// And of one who came with his main password.
std::optional<Barred> barred_with_password(const Query& query, const Found& found, int64_t now_s);

// All that bars him, by the names of fields and with what they say: "networks (10.0.0.0/8), disabled". For an operator:
// no client is told. Empty: nothing.
std::string bars_in_words(const Query& query, const Found& found, int64_t now_s);

// When what lets him in ends: the earlier of both, 0 of none.
int64_t earlier_end(int64_t one_s, int64_t other_s);
int64_t end_of(const Found& found);

}  // namespace postigo
