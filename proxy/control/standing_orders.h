// StandingOrders: what operators want of backends, and of single users, until they say otherwise, and which backends
// are believed to be down: over reloads, and over restarts if there is a file for it. What was believed counts for
// kBeliefMaxS. In the file there is also what name servers said last of services.
//
// Control thread. The file is JSON, written whole and renamed into its place.
#pragma once

#include <string>
#include <vector>

#include "backends/ledger/moves.h"
#include "parser/base/result.h"
#include "proxy/fleet.h"
#include "proxy/net/srv_book.h"

namespace postigo {

class StandingOrders {
 public:
  static constexpr int64_t kBeliefMaxS = 15 * 60;

  // `file` may be empty: nothing is kept.
  StandingOrders(Fleet& fleet, std::string file) : fleet_(fleet), file_(std::move(file)) {}

  void use(Moves& moves, const SrvBook& book) { moves_ = &moves, book_ = &book; }  // before all that follows
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
  // What a file has of services, and since when (unix time); nothing if it cannot be read. Blocking; any thread.
  struct Services {
    config::SrvRecords records;
    int64_t written_s = 0;
  };
  static Services services_in(const std::string& file);
  // Blocking; any thread.
  static Result<void> write(const std::string& file, const std::string& text);

 private:
  struct Order;
  Result<void> take(const std::string& text, const std::string& whence);
  void take_beliefs(const std::string& text);

  Result<void> take_moves(const std::string& text, const std::string& whence);

  Fleet& fleet_;
  Moves* moves_ = nullptr;
  const SrvBook* book_ = nullptr;
  std::string file_;
};

}  // namespace postigo
