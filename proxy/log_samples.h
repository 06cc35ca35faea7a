// LogSamples: of which sessions only some leave their lines ([[log.sample]]). Immutable; belongs to a snapshot.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/network.h"

namespace postigo {

struct LogSamples {
  struct Rule {
    std::string listener, user;  // empty: any
    std::vector<config::Network> networks;
    double keep = 1;
  };
  std::vector<Rule> rules;
};

LogSamples log_samples(const config::Log& options);

// The share of sessions like this one that is logged, by the first rule that matches; 1 without one.
double share_of(const LogSamples& samples, std::string_view listener, std::string_view user,
                const config::AnyAddress& client);

// Is the session among them? The same for an id each time, in whatever process; who is kept by a share is so by all
// that are greater.
bool is_kept(std::string_view id, double share);

}  // namespace postigo
