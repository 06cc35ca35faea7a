// Not here: what the process does (control_thread.cc).
#include "proxy/control/control.h"

#include <fmt/format.h>

#include <utility>

#include "proxy/base/events.h"
#include "proxy/control/control_thread.h"

namespace postigo {

int serve(std::string file, config::Config config, Prepared prepared, Inheritance inheritance) {
  config::Log early = config.live.log;
  early.file.clear();
  if (auto opened = log::open(early); !opened) return 1;
  bool to_file = !config.live.log.file.empty();
  ControlThread control(std::move(file), std::move(config), std::move(prepared), std::move(inheritance));
  auto started = control.start();
  if (started) return control.run();
  log::write(events::cannot_start, {{"detail", started.error().message}});
  if (to_file) fmt::print(stderr, "postigo: cannot start: {}\n", started.error().message);
  return control.abandon();
}

}  // namespace postigo
