// Api: the admin API's HTTP side: from a request to a verb with checked parameters, and from its answer to a page.
//
// /api/v1/NAME: GET for what only reads (parameters in the query), POST with JSON for what changes something. Answers
// are JSON: what the verb says, or {"error": "one line"}; `Postigo-Version` says who answers, `Postigo-Role` what the
// caller may. No cookies, and a content type that no form can send: a browser that is tricked cannot speak for its
// user. Confined to the loop's thread that serves it.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "proxy/ops/callers.h"
#include "proxy/ops/http.h"
#include "proxy/ops/verbs.h"

namespace postigo {

using Json = nlohmann::ordered_json;

constexpr std::string_view kApiRoot = "/api/v1/";

// What a verb answers: a status of HTTP and an object.
using VerbDone = std::function<void(int status, Json answer)>;
// Who does the verbs. `parameters`: an object with those of the verb's table, of the right types.
using VerbRun = std::function<void(const Verb& verb, const Json& parameters, const std::string& who, VerbDone done)>;

constexpr uint64_t kRequestsPerSecond = 200;

// `now_ms`: any clock, for the rate.
Http::Handler api_handler(VerbRun run, Identify identify, std::function<uint64_t()> now_ms);

// The document of the API (OpenAPI 3.1), at /api/v1/openapi.json.
std::string openapi();

}  // namespace postigo
