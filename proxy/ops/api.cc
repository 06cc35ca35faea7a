// Parameters: named, typed, and nothing but what the table knows. Not here: what verbs do (control/), HTTP (http.cc).
#include "proxy/ops/api.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "config/suggest.h"
#include "config/units.h"
#include "parser/base/ascii.h"
#include "proxy/base/line_budget.h"

namespace postigo {
namespace {

constexpr size_t kNameMax = 64;  // of a stranger's word in an error

struct Fault {
  int status;
  std::string text;
};

Http::Page page_of(int status, const Json& answer) {
  return {status, "application/json", answer.dump(2, ' ', false, Json::error_handler_t::replace) + "\n",
          "Postigo-Version: " POSTIGO_VERSION "\r\n"};
}

Http::Page page_of(const Fault& fault) { return page_of(fault.status, Json{{"error", fault.text}}); }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

Json query_parameters(std::string_view query) {
  Json found = Json::object();
  while (!query.empty()) {
    size_t end = query.find('&');
    std::string_view pair = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    size_t equals = pair.find('=');
    if (pair.empty()) continue;
    found[decoded(pair.substr(0, equals))] = equals == std::string_view::npos ? "" : decoded(pair.substr(equals + 1));
  }
  return found;
}

// Text of a query becomes what the table says. Empty: it was good.
std::string convert(const Parameter& parameter, Json& value) {
  std::string text = value.is_string() ? value.get<std::string>() : "";
  switch (parameter.kind) {
    case Parameter::Kind::text:
      if (!value.is_string()) return "must be text";
      break;
    case Parameter::Kind::flag:
      if (value.is_string()) value = text.empty() || text == "true";
      return value.is_boolean() ? "" : "must be true or false";
    case Parameter::Kind::number: {
      uint64_t number = 0;
      auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (value.is_string() && error == std::errc() && end == text.data() + text.size()) value = number;
      return value.is_number_unsigned() ? "" : "must be a number";
    }
    case Parameter::Kind::duration: {
      auto ms = config::parse_duration(text);
      if (!ms) return ms.error().message;
      value = *ms;
      return "";
    }
    case Parameter::Kind::configuration:
      return value.is_object() ? "" : "must be a listing of keys and values";
  }
  const auto& choices = parameter.choices;
  if (choices.empty() || std::find(choices.begin(), choices.end(), text) != choices.end()) return "";
  return fmt::format("must be one of {}", fmt::join(choices, ", "));
}

// Durations become milliseconds.
Result<Json> checked(const Verb& verb, Json given) {
  if (!given.is_object()) return fail("the body must be a JSON object");
  for (auto& [name, value] : given.items()) {
    auto known = std::find_if(verb.parameters.begin(), verb.parameters.end(),
                              [&name = name](const Parameter& each) { return each.name == name; });
    if (known == verb.parameters.end())
      return fail(fmt::format("{} has no parameter \"{}\"", verb.name, printable(name, kNameMax)));
    std::string wrong = convert(*known, value);
    if (!wrong.empty()) return fail(fmt::format("{}: {}", name, wrong));
  }
  for (const Parameter& parameter : verb.parameters) {
    if (parameter.required && !given.contains(parameter.name))
      return fail(fmt::format("{} is missing", parameter.name));
  }
  return given;
}

const Verb* verb_at(std::string_view path) {
  return path.starts_with(kApiRoot) ? find_verb(path.substr(kApiRoot.size())) : nullptr;
}

Result<Json> parameters_of(const Verb& verb, const Http::Request& request) {
  if (request.method == "GET") return checked(verb, query_parameters(request.query));
  Json body = request.body.empty() ? Json::object() : Json::parse(request.body, nullptr, false);
  if (body.is_discarded()) return fail("the body is not JSON");
  return checked(verb, std::move(body));
}

std::optional<Fault> refused(const Verb* verb, const Http::Request& request, const Caller& caller) {
  if (verb == nullptr) return Fault{404, "there is no such verb: see /api/v1/openapi.json"};
  bool reads = request.method == "GET", posted = request.method == "POST";
  if (!verb->changes && reads) return std::nullopt;
  if (!verb->changes && !(posted && verb->takes_configuration())) {
    return Fault{405, fmt::format("{} is read with GET", verb->name)};
  }
  if (!posted) return Fault{409, fmt::format("{} changes something: POST it", verb->name)};
  bool json = request.content_type.starts_with("application/json");
  if (!json) return Fault{415, "the content type must be application/json"};
  if (!caller.operates)
    return Fault{403, fmt::format("{} is for those who operate: this token may only read", verb->name)};
  return std::nullopt;
}

}  // namespace

Http::Handler api_handler(VerbRun run, Identify identify, std::function<uint64_t()> now_ms) {
  auto budget = std::make_shared<log::LineBudget>(kRequestsPerSecond);
  return [run = std::move(run), identify = std::move(identify), now_ms = std::move(now_ms), budget](
             const Http::Request& request, const Http::Answer& answer) {
    if (!budget->take(now_ms())) return answer(page_of({429, "too many requests: try again in a second"}));
    auto caller = identify(request);
    if (!caller) return answer(page_of({401, "who are you?"}));
    if (request.path == "/api/v1/openapi.json" && request.method == "GET") {
      return answer({200, "application/json", openapi()});
    }
    const Verb* verb = verb_at(request.path);
    if (auto fault = refused(verb, request, *caller)) return answer(page_of(*fault));
    auto parameters = parameters_of(*verb, request);
    if (!parameters) return answer(page_of({422, parameters.error().message}));
    run(*verb, *parameters, caller->name, [answer, operates = caller->operates](int status, const Json& told) {
      Http::Page page = page_of(status, told);
      page.fields += operates ? "Postigo-Role: operate\r\n" : "Postigo-Role: read\r\n";
      answer(page);
    });
  };
}

}  // namespace postigo
