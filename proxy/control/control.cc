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
  early.target = config::Log::Target::stream;
  if (auto opened = log::open(early); !opened) return 1;
  bool elsewhere = !config.live.log.file.empty() || config.live.log.target != config::Log::Target::stream;
  ControlThread control(std::move(file), std::move(config), std::move(prepared), std::move(inheritance));
  auto started = control.start();
  if (started) return control.run();
  log::write(events::cannot_start, {{"detail", started.error().message}});
  if (elsewhere) fmt::print(stderr, "postigo: cannot start: {}\n", started.error().message);
  return control.abandon();
}

}  // namespace postigo
