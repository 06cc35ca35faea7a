// Parting: the last stage. The client takes the last octets, and its own are read and dropped, so that they cannot turn
// the close into a reset.
//
// Owned by its Session. Confined to the worker's thread.
#pragma once

#include "proxy/session/stage.h"

namespace postigo {

class Parting final : public Stage {
 public:
  explicit Parting(Session& session);

  uint64_t timeout_ms() const;  // without progress

  void received(Bytes) override {}
  void client_ended() override;
  void client_failed(const std::string& why) override;
  void client_drained() override;
  void deadline() override;
  void shut_down(CloseReason why) override;

 private:
  uint64_t taken_;  // by the client, when the deadline looked last
};

}  // namespace postigo
