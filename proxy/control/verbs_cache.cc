// Off the control thread, since a full cache takes a while. Not here: what is kept (backends/directory/cache).
#include "proxy/control/verbs_cache.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "backends/directory/cache/store.h"
#include "proxy/control/control_thread.h"
#include "proxy/control/verbs.h"

namespace postigo {

void cache(ControlThread& control, const Json& parameters, const std::string&, VerbDone done) {
  std::string user;
  if (parameters.contains("user")) {
    auto named = user_of(control, parameters, done);
    if (!named) return;
    user = std::move(*named);
  }
  auto flushed = std::make_shared<size_t>(0);
  control.chore(
      [flushed, user, all = control.running().snapshot->directories] {
        for (const DirectoryShared::Item& item : all->items()) {
          if (CacheStore* store = item.source->cache()) *flushed += store->flush(user);
        }
      },
      [flushed, done = std::move(done)] {
        done(200, {{"flushed", *flushed}});
      });
}

}  // namespace postigo
