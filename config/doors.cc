// Not here: what is asked at a door (proxy/commands/ctl.cc), how a file is read (load.cc).
#include "config/doors.h"

#include "config/check_shared.h"
#include "config/schema.h"
#include "config/suggest.h"
#include "config/units.h"

namespace postigo::config {

namespace {

constexpr uint16_t kHttpPort = 80;

void describe_door(Visitor& v, Door& x) {
  v.text({"name", "What it is called (required)"}, x.name);
  v.path({"socket", "Its admin socket, on this machine"}, x.socket);
  v.text({"url", "Its api_address, as in \"http://mx-a.internal:9091\""}, x.url);
  v.secret({"token", "For the url"}, x.token);
}

void check_door(const Door& x, const std::string& path, Report& report) {
  if (x.socket.empty() == x.url.empty()) return report.error(path, "write one of socket and url");
  if (x.url.empty()) return;
  if (auto parsed = parse_url(x.url); !parsed) report.error(path + ".url", parsed.error().message);
  bool written = report.has(path + ".token") || report.has(path + ".token_file") || report.has(path + ".token_env");
  if (!written) report.error(path, "a url needs token, token_file or token_env");
}

}  // namespace

void describe(Visitor& visitor, std::vector<Door>& doors) {
  visitor.list({"door", "One instance"}, doors, describe_door);
}

void check(const std::vector<Door>& doors, Report& report) {
  check_names(named("door", doors), report);
  for (size_t i = 0; i < doors.size(); ++i) check_door(doors[i], at_index("door", i), report);
}

Result<Endpoint> parse_url(const std::string& url) {
  constexpr std::string_view kScheme = "http://";
  if (url.starts_with("https://")) {
    return fail(in_quotes(url) + ": TLS is not spoken here: reach it through a tunnel, as ssh -L makes one");
  }
  if (!url.starts_with(kScheme)) return fail(in_quotes(url) + " must begin with http://");
  std::string_view place = std::string_view(url).substr(kScheme.size());
  if (place.ends_with('/')) place.remove_suffix(1);
  return parse_endpoint(place, kHttpPort);
}

}  // namespace postigo::config
