// ReadyPool: connections to backends on which all is done but the login, made before somebody comes for them. A login
// takes one and goes on with it; none is used twice.
//
// One per host (worker), on its thread. How many: backends/balance/ready_plan, within the bounds of Places. None is
// made where a backend's PROXY header names the client, where it is in trouble or taken out, where memory is short.
// What one meets that is only being made ready says nothing about a login: health is told how soon it was greeted, not
// how it failed, and the next one waits.
#pragma once

#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/balance/ready_plan.h"
#include "proxy/net/timer_wheel.h"
#include "proxy/session/dialer.h"

namespace postigo {

class Host;

class ReadyPool {
 public:
  explicit ReadyPool(Host& host);
  ~ReadyPool();
  ReadyPool(const ReadyPool&) = delete;
  ReadyPool& operator=(const ReadyPool&) = delete;

  // A login goes to that backend of `snapshot` now, and that is noted. One that is fit (Dialer::go_on), or null.
  std::unique_ptr<Dialer> take(const Snapshot& snapshot, const Backend& backend, const Protocol& protocol);
  // Behind take(), when the login is on its way: others come in the place of what was taken.
  void refill();
  // One that was taken had ended before it heard the login: the others may have, too.
  void failed(const Backend& backend, const Protocol& protocol);

  // The host has another snapshot: what was made under the one before is let go.
  void exchanged();
  void close();         // for good
  size_t size() const;  // those that are ready, or will be

  static bool wants(const Backend& backend) {
    return backend.settings.ready.max != 0 && backend.settings.proxy_protocol == config::SendProxyHeader::off;
  }

 private:
  class Entry;
  struct Line;
  using Name = std::pair<size_t, size_t>;  // the backend's slot, the protocol's place

  Line& line_of(const Backend& backend, const Protocol& protocol);
  void open_lines();
  void tick();
  void tend(Line& line);
  void fill(Line& line);
  bool begin(Line& line, uint64_t max);
  void retire(Line& line, size_t at, ReadyResult result);
  void empty(Line& line, ReadyResult result);
  void ended(Entry& entry);

  Host& host_;
  std::shared_ptr<const Snapshot> snapshot_;  // that all of them are made under
  std::map<Name, Line> lines_;
  Line* taken_from_ = nullptr;  // until refill()
  Timer tick_;
  bool closed_ = false;
};

}  // namespace postigo
