// Any octets on the admin socket are a request or a fault: no crash, no exception; whatever runs has the parameters of
// the verb's table with their types, and every answer is JSON with one line of error or none.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "proxy/ops/api.h"
#include "proxy/ops/http_head.h"

namespace {

using namespace postigo;

void require(bool condition) {
  if (!condition) std::abort();
}

bool fits(const Parameter& parameter, const Json& value) {
  switch (parameter.kind) {
    case Parameter::Kind::text:
      return value.is_string();
    case Parameter::Kind::configuration:
      return value.is_object();
    case Parameter::Kind::flag:
      return value.is_boolean();
    default:
      return value.is_number_unsigned();
  }
}

void run(const Verb& verb, const Json& parameters, const std::string&, const VerbDone& done) {
  require(parameters.is_object() && parameters.size() <= verb.parameters.size());
  for (const Parameter& parameter : verb.parameters) {
    bool given = parameters.contains(parameter.name);
    require(given || !parameter.required);
    if (given) require(fits(parameter, parameters[std::string(parameter.name)]));
  }
  done(200, parameters);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  size_t end = http_head_size(text);
  if (end == 0) return 0;
  HttpHead head = parse_http_head(text.substr(0, end));
  require(head.fault == 0 || *head.why != '\0');
  if (head.fault != 0 || head.body_fault != 0) return 0;
  require(head.body <= kHttpBodyMax && !head.path.empty());
  Http::Request request;
  request.method = head.method;
  request.path = head.path;
  request.query = head.query;
  request.content_type = head.content_type;
  request.uid = 0;
  request.body = text.substr(end, head.body);
  bool answered = false;
  api_handler(run, caller_by_account, [] { return uint64_t{0}; })(request, [&](const Http::Page& page) {
    require(!answered);
    answered = true;
    Json answer = Json::parse(page.body, nullptr, false);
    require(answer.is_object());
    if (page.status != 200) require(answer.at("error").get<std::string>().find('\n') == std::string::npos);
  });
  require(answered);
  return 0;
}
