// Not here: who is asked (predecessors.cc), what the answers are (verbs*.cc).
#include "proxy/control/merge.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "proxy/control/verbs.h"

namespace postigo {
namespace {

void add(Json& to, const Json& from, const char* name) {
  to.at(name) = to.at(name).get<uint64_t>() + from.at(name).get<uint64_t>();
}

// Rows by one of their columns.
std::unordered_map<std::string, Json*> by(const char* name, Json& rows) {
  std::unordered_map<std::string, Json*> found;
  for (Json& row : rows) found[row.at(name).get<std::string>()] = &row;
  return found;
}

bool has_room(const Json& rows, const Json& parameters) { return rows.size() < parameters.value("limit", kRowsShown); }

}  // namespace

void merge_status(Json& all, const Json& one, const Json&) {
  add(all, one, "sessions");
  for (auto& [phase, count] : all.at("phases").items()) {
    count = count.get<uint64_t>() + one.at("phases").value(phase, uint64_t{0});
  }
  all.at("predecessors")
      .push_back({{"pid", one.at("pid").get<int64_t>()},
                  {"version", one.at("version").get<std::string>()},
                  {"sessions", one.at("sessions").get<uint64_t>()}});
}

void merge_who(Json& all, const Json& one, const Json& parameters) {
  Json& rows = all.at("sessions");
  if (!parameters.contains("by")) {
    for (const Json& row : one.at("sessions")) {
      if (has_room(rows, parameters)) rows.push_back(row);
    }
    return;
  }
  auto bytes = [](const Json& row) { return row.at("bytes_in").get<uint64_t>() + row.at("bytes_out").get<uint64_t>(); };
  for (const Json& row : one.at("sessions")) rows.push_back(row);
  std::stable_sort(rows.begin(), rows.end(), [&](const Json& a, const Json& b) { return bytes(a) > bytes(b); });
  while (!rows.empty() && rows.size() > parameters.value("limit", kRowsShown)) rows.erase(rows.size() - 1);
}

void merge_kick(Json& all, const Json& one, const Json&) {
  add(all, one, "ended");
  add(all, one, "leaving");
}

void merge_drain(Json& all, const Json& one, const Json&) { add(all, one, "sessions"); }

// Held here and there.
void merge_hold(Json&, const Json& one, const Json&) { one.at("user").get<std::string>(); }

void merge_release(Json& all, const Json& one, const Json&) {
  if (one.at("released").get<bool>()) all.at("released") = true;
}

// Of a backend that is not configured any more there may be sessions still.
void merge_backends(Json& all, const Json& one, const Json&) {
  Json& rows = all.at("backends");
  std::vector<Json> removed;
  const auto known = by("name", rows);
  for (const Json& row : one.at("backends")) {
    auto found = known.find(row.at("name").get<std::string>());
    if (found != known.end()) {
      add(*found->second, row, "sessions");
      add(*found->second, row, "logins");
    } else if (row.at("sessions").get<uint64_t>() > 0) {
      removed.push_back(row);
      removed.back()["host"] = "";
      removed.back()["state"] = "removed";
    }
  }
  for (Json& row : removed) rows.push_back(std::move(row));
}

void merge_listeners(Json& all, const Json& one, const Json&) {
  const auto known = by("name", all.at("listeners"));
  for (const Json& row : one.at("listeners")) {
    auto found = known.find(row.at("name").get<std::string>());
    if (found != known.end()) add(*found->second, row, "open");
  }
}

// Who is at two backends has two rows.
void merge_users(Json& all, const Json& one, const Json& parameters) {
  Json& rows = all.at("users");
  std::vector<Json> others;
  const auto known = by("user", rows);
  for (const Json& row : one.at("users")) {
    if (row.at("sessions").get<uint64_t>() == 0) continue;
    auto found = known.find(row.at("user").get<std::string>());
    if (found != known.end() && found->second->at("backend") == row.at("backend")) {
      add(*found->second, row, "sessions");
    } else {
      others.push_back(row);
    }
  }
  for (Json& row : others) {
    if (has_room(rows, parameters)) rows.push_back(std::move(row));
  }
}

}  // namespace postigo
