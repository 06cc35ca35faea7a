// What an answer depends on (A7): all of the question. Pure, but for the key that a process draws at its start.
#pragma once

#include <string>
#include <string_view>

#include "backends/directory.h"
#include "backends/directory/cache/store.h"

namespace postigo {

// All but the secret, each part with its length, so that no two questions have one context. `curious`: the directory
// is told of the circumstances; of those what is not another one for each login counts.
std::string cache_context(const Query& query, bool curious);
bool is_of_user(std::string_view context, std::string_view user);

// HMAC-SHA-256 with a random key of this process: it says whether two secrets are one, and nothing of them to others.
CacheStore::Digest secret_digest(const Secret& secret);

}  // namespace postigo
