// Not here: what takes effect how (control.cc, worker.cc), what is taken over from the snapshot that runs
// (snapshot.cc).
#include "proxy/control/proposal.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include "backends/router.h"
#include "config/dump.h"
#include "config/report.h"
#include "proxy/base/log.h"
#include "proxy/control/activation.h"
#include "proxy/control/discovery.h"

namespace postigo {
namespace {

void build(const Running& running, Lasting& lasting, Proposal& proposal) {
  config::Problems& problems = proposal.problems;
  if (auto usable = log::check(proposal.config.live.log); !usable) {
    problems.push_back(config::error_at(log::place_of(proposal.config.live.log), usable.error().message));
  }
  auto snapshot = Snapshot::make(proposal.config, lasting, problems, running.snapshot.get());
  if (snapshot == nullptr || !snapshot->open_directories(problems, running.snapshot.get())) return;
  if (!any_fatal(problems)) proposal.snapshot = std::move(snapshot);
}

}  // namespace

Proposal propose(const Running& running, Lasting& lasting) {
  config::Loaded loaded = config::load_file(running.file);
  Proposal proposal;
  proposal.of_file = true;
  proposal.problems = loaded.problems;
  if (!loaded.ok()) return proposal;
  proposal.config = std::move(loaded.config);
  place(lasting.activated, proposal.config.live);
  proposal.changes = config::diff(running.config, proposal.config);
  config::Problems found = Router::check(proposal.config.live);
  std::swap(found, proposal.problems);
  if (!any_fatal(proposal.problems)) {
    discover(proposal.config.live, lasting.srv);
    build(running, lasting, proposal);
  }
  for (config::Problem& problem : proposal.problems) problem = loaded.placed(std::move(problem));
  proposal.problems.insert(proposal.problems.begin(), found.begin(), found.end());
  return proposal;
}

Proposal propose_again(const Running& running, Lasting& lasting) {
  Proposal proposal;
  proposal.config = running.config;
  build(running, lasting, proposal);
  return proposal;
}

std::string fingerprint(const config::Config& config) {
  std::string text = config::dump(config);
  uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const uint8_t*>(text.data()), text.size(), digest);
  std::string hex;
  for (size_t i = 0; i < 6; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

}  // namespace postigo
