// StandingOrders: what operators want of backends, and of single users, until they say otherwise, and which backends
// are believed to be down: over reloads, and over restarts if there is a file for it. What was believed counts for
// kBeliefMaxS.
//
// Control thread. The file is JSON, written whole and renamed into its place.
#pragma once

#include <string>
#include <vector>

#include "backends/ledger/moves.h"
#include "parser/base/result.h"
#include "proxy/fleet.h"

namespace postigo {

class StandingOrders {
 public:
  static constexpr int64_t kBeliefMaxS = 15 * 60;

  // `file` may be empty: nothing is kept.
  StandingOrders(Fleet& fleet, std::string file) : fleet_(fleet), file_(std::move(file)) {}

  void use(Moves& moves) { moves_ = &moves; }  // before all that follows
  // Before workers start: what the file says takes effect. A file that does not exist says nothing. The error is one
  // line.
  Result<void> load();
  // Instead of load(): what a predecessor wanted, as its text().
  Result<void> take_over(const std::string& text);
  void set(BackendState& backend, Wanted wanted);  // automatic: its weight is forgotten, too
  void set_weight(BackendState& backend, uint8_t weight) { backend.weight = weight; }
  // What is to be written, and where: for a thread that may block. Empty path: nowhere. `all`: for a successor, with
  // the orders that do not last over a restart.
  std::string text(bool all = false) const;
  const std::string& file() const { return file_; }
  // Blocking; any thread.
  static Result<void> write(const std::string& file, const std::string& text);

 private:
  struct Order;
  Result<void> take(const std::string& text, const std::string& whence);
  void take_beliefs(const std::string& text);

  Result<void> take_moves(const std::string& text, const std::string& whence);

  Fleet& fleet_;
  Moves* moves_ = nullptr;
  std::string file_;
};

}  // namespace postigo
