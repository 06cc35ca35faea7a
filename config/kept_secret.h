// KeptSecret: a secret that stays as long as the configuration, in one place that all copies share.
//
// The place is a page of its own: locked in memory if the system lets us (no swap), left out of core files, and
// read-only once it is filled. Wiped when the last copy goes. Immutable; any thread.
#pragma once

#include <memory>

#include "parser/base/secret.h"

namespace postigo::config {

class KeptSecret {
 public:
  KeptSecret() = default;
  KeptSecret(const Secret& secret);  // not explicit: it is the same thing, kept
  bool empty() const { return place_ == nullptr; }
  Bytes reveal() const;  // valid as long as a copy lives
  bool operator==(const KeptSecret& other) const { return reveal() == other.reveal(); }

 private:
  class Place;
  std::shared_ptr<const Place> place_;
};

}  // namespace postigo::config
