// Not here: what an order means for a login (session/upstream.cc).
#include "proxy/control/standing_orders.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "backends/work/descriptor.h"
#include "proxy/control/records_json.h"
#include "proxy/session/health_log.h"

namespace postigo {

using nlohmann::ordered_json;

namespace {

ordered_json table_of(const ordered_json& all, const char* name, const ordered_json& otherwise) {
  return all.is_object() ? all.value(name, otherwise) : ordered_json();
}

std::string text_of(const ordered_json& row, const char* name) {
  return row.contains(name) && row[name].is_string() ? row[name].get<std::string>() : "";
}

int64_t number_of(const ordered_json& row, const char* name) {
  return row.contains(name) && row[name].is_number_integer() ? row[name].get<int64_t>() : 0;
}

ordered_json beliefs(const Fleet& fleet) {
  ordered_json rows = ordered_json::array();
  for (const BackendState* backend : fleet.all_backends()) {
    for (size_t p = 0; p < protocols().size(); ++p) {
      auto memory = backend->health(p).memory(uv_hrtime() / 1'000'000);
      if (!memory) continue;
      rows.push_back({{"backend", backend->name},
                      {"protocol", protocols()[p].name},
                      {"failed", name_of(memory->depth)},
                      {"since_s", std::time(nullptr) - static_cast<int64_t>(memory->for_ms / 1000)},
                      {"why", memory->why}});
    }
  }
  return rows;
}

std::optional<uint8_t> weight_of(const ordered_json& value) {
  if (!value.is_number_unsigned() || value.get<uint64_t>() > kWeightWhole) return std::nullopt;
  return value.get<uint8_t>();
}

}  // namespace

// What stands of one backend in the file.
struct StandingOrders::Order {
  std::optional<Wanted> wanted = Wanted::automatic;
  std::optional<uint8_t> weight = kWeightWhole;
};

void StandingOrders::set(BackendState& backend, Wanted wanted) {
  backend.wanted = wanted;
  if (wanted == Wanted::automatic) backend.weight = kWeightWhole;
}

Result<void> StandingOrders::load() {
  if (file_.empty() || access(file_.c_str(), F_OK) != 0) return {};
  std::error_code error;
  if (!std::filesystem::is_regular_file(file_, error)) {
    return fail(fmt::format("{}: {}", file_, error ? error.message() : "is not a file: move it away"));
  }
  std::ifstream in(file_);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) return fail(fmt::format("{}: cannot be read by this account", file_));
  return take(text.str(), file_);
}

Result<void> StandingOrders::take_over(const std::string& text) { return take(text, "the predecessor's orders"); }

Result<void> StandingOrders::take(const std::string& text, const std::string& whence) {
  ordered_json all = ordered_json::parse(text, nullptr, false);
  ordered_json backends = table_of(all, "backends", nullptr),
               weights = table_of(all, "weights", ordered_json::object());
  if (!backends.is_object() || !weights.is_object()) {
    return fail(fmt::format("{}: cannot be read as a state file: mend it, or move it away", whence));
  }
  std::map<std::string, Order> orders;
  for (const auto& [name, word] : backends.items()) {
    orders[name].wanted = wanted_of(word.is_string() ? word.get<std::string>() : "");
  }
  for (const auto& [name, weight] : weights.items()) orders[name].weight = weight_of(weight);
  for (const auto& [name, order] : orders) {
    auto backend = fleet_.backend(name);
    if (!order.wanted || !order.weight || !backend) {
      return fail(fmt::format("{}: backend {} is not understood", whence, name));
    }
    (*backend)->wanted = *order.wanted;
    (*backend)->weight = *order.weight;
  }
  take_beliefs(text);
  return take_moves(text, whence);
}

Result<void> StandingOrders::take_moves(const std::string& text, const std::string& whence) {
  const ordered_json users = table_of(ordered_json::parse(text, nullptr, false), "users", ordered_json::object());
  try {
    for (const auto& [user, order] : users.items()) {
      moves_->set(user, {order.at("pool"), order.at("shard"), order.value("backend", ""),
                         order.value("until_s", uint64_t{0}), order.value("lasts", true)});
    }
  } catch (const ordered_json::exception&) {
    return fail(fmt::format("{}: an order for a user is not understood", whence));
  }
  return {};
}

// No restart makes a sick backend look well: it is down until a trial says otherwise, and that may follow at once. A
// row that is not understood, or too old, is none.
void StandingOrders::take_beliefs(const std::string& text) {
  ordered_json all = ordered_json::parse(text, nullptr, false);
  int64_t now_s = std::time(nullptr);
  if (!all.is_object() || !all.value("down", ordered_json()).is_array()) return;
  if (std::abs(now_s - number_of(all, "written_s")) > kBeliefMaxS) return;
  for (const ordered_json& row : all["down"]) {
    const Protocol* protocol = row.is_object() ? find_protocol(text_of(row, "protocol")) : nullptr;
    if (protocol == nullptr) continue;
    auto backend = fleet_.backend(text_of(row, "backend"));
    auto depth = std::find(kDepthNames.begin(), kDepthNames.end(), text_of(row, "failed"));
    if (!backend || depth == kDepthNames.end()) continue;
    Health::Memory memory{static_cast<Depth>(depth - kDepthNames.begin()), text_of(row, "why"),
                          static_cast<uint64_t>(std::max<int64_t>(0, now_s - number_of(row, "since_s"))) * 1000};
    auto place = index_of(*protocol);
    auto change = (*backend)->health(place).remember(memory, uv_hrtime() / 1'000'000);
    write_health((*backend)->name, protocol->name, change);
  }
}

std::string StandingOrders::text(bool everything) const {
  ordered_json orders = ordered_json::object(), weights = ordered_json::object();
  for (const BackendState* backend : fleet_.all_backends()) {
    Wanted wanted = backend->wanted;
    if (wanted != Wanted::automatic) orders[backend->name] = name_of(wanted);
    if (backend->weight != kWeightWhole) weights[backend->name] = backend->weight.load();
  }
  ordered_json all = {{"backends", orders}};
  if (ordered_json down = beliefs(fleet_); !down.empty()) {
    all["written_s"] = std::time(nullptr);
    all["down"] = down;
  }
  if (!weights.empty()) all["weights"] = weights;
  if (auto services = book_->get(); !services->empty()) {
    all["services_s"] = std::time(nullptr);
    all["services"] = json_of<ordered_json>(*services);
  }
  ordered_json users = ordered_json::object();
  moves_->visit(static_cast<uint64_t>(std::time(nullptr)), [&](Bytes user, const Moves::Order& order) {
    if (!order.lasts && !everything) return;
    ordered_json& row = users[std::string(user)] = {{"pool", order.pool}, {"shard", order.shard}};
    if (!order.backend.empty()) row["backend"] = order.backend;
    if (order.until_s != 0) row["until_s"] = order.until_s;
    if (!order.lasts) row["lasts"] = false;
  });
  if (!users.empty()) all["users"] = users;
  return all.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

// Whatever else is wrong with it is for load() to say.
StandingOrders::Services StandingOrders::services_in(const std::string& file) {
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  const ordered_json all = ordered_json::parse(text.str(), nullptr, false);
  try {
    return {records_in(all.at("services")), number_of(all, "services_s")};
  } catch (const ordered_json::exception&) {
    return {};
  }
}

Result<void> StandingOrders::write(const std::string& file, const std::string& text) {
  if (file.empty()) return {};
  std::string fresh = file + ".new";
  auto failed = [&] { return fail(fmt::format("cannot write {}: {}", file, std::strerror(errno))); };
  Descriptor fd(open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640));
  if (fd.get() < 0) return failed();
  if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) return failed();
  if (fsync(fd.get()) != 0 || std::rename(fresh.c_str(), file.c_str()) != 0) return failed();
  return {};
}

}  // namespace postigo
