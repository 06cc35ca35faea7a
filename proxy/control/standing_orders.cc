// Not here: what an order means for a login (session/upstream.cc).
#include "proxy/control/standing_orders.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "proxy/base/descriptor.h"

namespace postigo {

using nlohmann::ordered_json;

Result<void> StandingOrders::load() {
  if (file_.empty() || access(file_.c_str(), F_OK) != 0) return {};
  std::ifstream in(file_);
  std::stringstream text;
  text << in.rdbuf();
  ordered_json all = ordered_json::parse(text.str(), nullptr, false);
  ordered_json backends = all.is_object() ? all.value("backends", ordered_json()) : ordered_json();
  if (!in || !backends.is_object()) {
    return fail(fmt::format("{}: cannot be read as a state file", file_));
  }
  for (const auto& [name, word] : backends.items()) {
    auto wanted = wanted_of(word.is_string() ? word.get<std::string>() : "");
    auto backend = fleet_.backend(name);
    if (!wanted || !backend) return fail(fmt::format("{}: backend {} is not understood", file_, name));
    (*backend)->wanted = *wanted;
  }
  return {};
}

std::string StandingOrders::text() const {
  ordered_json orders = ordered_json::object();
  for (const BackendState* backend : fleet_.all_backends()) {
    Wanted wanted = backend->wanted;
    if (wanted != Wanted::automatic) orders[backend->name] = name_of(wanted);
  }
  return ordered_json{{"backends", orders}}.dump(2) + "\n";
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
