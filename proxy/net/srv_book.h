// SrvBook: what name servers said last of the services that stand for backends (config/srv.h). Nothing in it is ever
// forgotten because a server fails: a service that stops resolving keeps its targets, for as long as it is configured.
// Any thread.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "config/srv.h"

namespace postigo {

class SrvBook {
 public:
  std::shared_ptr<const config::SrvRecords> get() const {
    std::lock_guard lock(mutex_);
    return records_;
  }
  // False: that is known already.
  bool put(const std::string& name, std::vector<config::SrvTarget> targets) {
    std::lock_guard lock(mutex_);
    auto known = records_->find(name);
    if (known != records_->end() && known->second == targets) return false;
    auto records = std::make_shared<config::SrvRecords>(*records_);
    (*records)[name] = std::move(targets);
    records_ = std::move(records);
    return true;
  }
  // Of these services only; `in_effect` are records that were taken from here. Returns those that are in effect now:
  // the same, or what is left of them.
  std::shared_ptr<const config::SrvRecords> keep(const std::vector<std::string>& names,
                                                 std::shared_ptr<const config::SrvRecords> in_effect) {
    std::lock_guard lock(mutex_);
    config::SrvRecords kept;
    for (const std::string& name : names) {
      if (auto known = records_->find(name); known != records_->end()) kept.insert(*known);
    }
    if (kept.size() == records_->size()) return in_effect;
    bool newest = records_ == in_effect;
    records_ = std::make_shared<config::SrvRecords>(std::move(kept));
    return newest ? records_ : in_effect;
  }
  // What a predecessor knew.
  void adopt(config::SrvRecords records) {
    std::lock_guard lock(mutex_);
    records_ = std::make_shared<config::SrvRecords>(std::move(records));
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const config::SrvRecords> records_ = std::make_shared<config::SrvRecords>();
};

}  // namespace postigo
