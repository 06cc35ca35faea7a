// What most stages do. Not here: what is left of the session then (session.cc, parting.cc).
#include "proxy/session/stage.h"

#include "proxy/session/session.h"

namespace postigo {

void Stage::client_ended() { session_.close(CloseReason::client_closed); }

void Stage::client_failed(const std::string& why) { session_.close(CloseReason::client_lost, why); }

void Stage::shut_down(CloseReason why) {
  farewell(Farewell::shutting_down);
  session_.close(why);
}

}  // namespace postigo
