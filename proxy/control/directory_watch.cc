// Not here: what is odd (DirectorySource::warning), and look-ups that fail (session/outage.h).
#include "proxy/control/directory_watch.h"

#include <utility>

#include "proxy/base/events.h"
#include "proxy/base/log.h"

namespace postigo {

DirectoryWatch::DirectoryWatch(Loop& loop)
    : loop_(loop), timer_([](void* self) { static_cast<DirectoryWatch*>(self)->look(); }, this) {}

void DirectoryWatch::watch(std::shared_ptr<const DirectoryShared> directories) {
  close();
  directories_ = std::move(directories);
  if (directories_ == nullptr) return;
  std::map<SharedSource, std::string> told;
  for (const DirectoryShared::Item& item : directories_->items()) {
    auto before = told_.find(item.source);
    told[item.source] = before == told_.end() ? item.source->warning() : before->second;
  }
  told_ = std::move(told);
  loop_.timers().arm(timer_, kLookMs);
}

void DirectoryWatch::look() {
  loop_.timers().arm(timer_, kLookMs);
  for (const DirectoryShared::Item& item : directories_->items()) {
    const std::string warning = item.source->warning();
    if (std::exchange(told_[item.source], warning) == warning || warning.empty()) continue;
    log::write(events::directory_odd, {{"detail", warning}});
  }
}

void DirectoryWatch::close() { timer_.cancel(); }

}  // namespace postigo
