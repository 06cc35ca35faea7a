// Merge: what this process and its predecessors answer to a verb becomes one answer.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "proxy/ops/api.h"

namespace postigo {

// Adds `one`, a predecessor's answer to the same question, to `all`. Throws what JSON throws if it is not one.
using Merge = void (*)(Json& all, const Json& one, const Json& parameters);

void merge_status(Json& all, const Json& one, const Json& parameters);
void merge_who(Json& all, const Json& one, const Json& parameters);
void merge_kick(Json& all, const Json& one, const Json& parameters);
void merge_backends(Json& all, const Json& one, const Json& parameters);
void merge_listeners(Json& all, const Json& one, const Json& parameters);
void merge_drain(Json& all, const Json& one, const Json& parameters);
void merge_hold(Json& all, const Json& one, const Json& parameters);
void merge_release(Json& all, const Json& one, const Json& parameters);
void merge_users(Json& all, const Json& one, const Json& parameters);

}  // namespace postigo
