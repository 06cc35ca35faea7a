// The API's document, read off the table of verbs. Not here: what a request must look like to be taken (api.cc).
#include <nlohmann/json.hpp>

#include "proxy/ops/api.h"

namespace postigo {
namespace {

const char* type_of(Parameter::Kind kind) {
  return kind == Parameter::Kind::flag            ? "boolean"
         : kind == Parameter::Kind::number        ? "integer"
         : kind == Parameter::Kind::configuration ? "object"
                                                  : "string";
}

Json schema_of(const Parameter& parameter) {
  Json schema = {{"type", type_of(parameter.kind)}, {"description", parameter.doc}};
  if (!parameter.choices.empty()) schema["enum"] = parameter.choices;
  if (parameter.kind == Parameter::Kind::duration) schema["examples"] = {"30s", "10m"};
  return schema;
}

Json object_of(const std::vector<Field>& fields);

Json schema_of(const Field& field) {
  switch (field.type) {
    case Field::Type::text:
      return {{"type", "string"}};
    case Field::Type::integer:
      return {{"type", "integer"}};
    case Field::Type::real:
      return {{"type", "number"}};
    case Field::Type::flag:
      return {{"type", "boolean"}};
    case Field::Type::texts:
      return {{"type", "array"}, {"items", {{"type", "string"}}}};
    case Field::Type::counts:
      return {{"type", "object"}, {"additionalProperties", {{"type", "integer"}}}};
    case Field::Type::rows:
      return {{"type", "array"}, {"items", object_of(field.columns)}};
  }
  return Json::object();
}

// An answer, or a row of one.
Json object_of(const std::vector<Field>& fields) {
  Json properties = Json::object(), required = Json::array();
  for (const Field& field : fields) {
    Json schema = schema_of(field);
    schema["description"] = field.doc;
    properties[std::string(field.name)] = schema;
    if (field.always) required.push_back(field.name);
  }
  Json object = {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
  if (!required.empty()) object["required"] = required;
  return object;
}

Json body_of(const Verb& verb) {
  Json properties = Json::object(), required = Json::array();
  for (const Parameter& parameter : verb.parameters) {
    properties[std::string(parameter.name)] = schema_of(parameter);
    if (parameter.required) required.push_back(parameter.name);
  }
  Json body = {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
  if (!required.empty()) body["required"] = required;
  return {{"content", {{"application/json", {{"schema", body}}}}}};
}

Json query_of(const Verb& verb) {
  Json in_query = Json::array();
  for (const Parameter& parameter : verb.parameters) {
    if (parameter.kind == Parameter::Kind::configuration) continue;
    in_query.push_back({{"name", parameter.name},
                        {"in", "query"},
                        {"required", parameter.required},
                        {"schema", schema_of(parameter)}});
  }
  return in_query;
}

Json operation_of(const Verb& verb, bool post) {
  bool both = !verb.changes && verb.takes_configuration();
  std::string id = std::string(verb.name) + (post && both ? "_given" : "");
  Json operation = {{"operationId", id}, {"summary", verb.doc}, {"x-role", post ? "operate" : "read"}};
  if (post) {
    operation["requestBody"] = body_of(verb);
  } else {
    operation["parameters"] = query_of(verb);
  }
  Json answer = {{"application/json", {{"schema", object_of(verb.answer)}}}};
  Json error = {{"application/json", {{"schema", {{"$ref", "#/components/schemas/Error"}}}}}};
  operation["responses"] = {{"200", {{"description", "Done"}, {"content", answer}}},
                            {"default", {{"description", "Not done"}, {"content", error}}}};
  return operation;
}

Json operations_of(const Verb& verb) {
  Json operations = Json::object();
  if (!verb.changes) operations["get"] = operation_of(verb, false);
  if (verb.changes || verb.takes_configuration()) operations["post"] = operation_of(verb, true);
  return operations;
}

}  // namespace

std::string openapi() {
  Json paths = Json::object();
  for (const Verb& verb : verbs()) paths[std::string(kApiRoot) + std::string(verb.name)] = operations_of(verb);
  Json error = {{"type", "object"},
                {"properties", {{"error", {{"type", "string"}, {"description", "One line"}}}}},
                {"required", {"error"}}};
  Json bearer = {{"type", "http"}, {"scheme", "bearer"}, {"description", "On [admin] api_address only"}};
  Json document = {{"openapi", "3.1.0"},
                   {"info", {{"title", "Postigo admin API"}, {"version", "1"}}},
                   {"paths", paths},
                   {"components", {{"schemas", {{"Error", error}}}, {"securitySchemes", {{"token", bearer}}}}},
                   {"security", {{{"token", Json::array()}}, Json::object()}}};
  return document.dump(2) + "\n";
}

}  // namespace postigo
