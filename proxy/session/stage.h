// Stage: what a session is at, and with that what each event means to it. They follow each other: Preamble, Handshake,
// Login (STARTTLS puts a handshake in between), Relay, Parting. Any may be left out but the last.
//
// Owned by its Session, which has one at a time, from begin() on. Confined to the worker's thread. A stage may close
// the session, or be replaced, from inside any of these calls: it lives to the end of the turn and is called no more.
#pragma once

#include <cstdint>
#include <string>

#include "parser/base/bytes.h"
#include "parser/farewell.h"
#include "proxy/base/phase.h"

namespace postigo {

class Session;
struct Summary;

class Stage {
 public:
  virtual ~Stage() = default;
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  // The client's socket tells (Socket::Owner).
  virtual void received(Bytes data) = 0;
  virtual void client_ended();                         // closes
  virtual void client_failed(const std::string& why);  // closes
  virtual void client_ending() {}                      // it is paused, and a FIN waits behind what was not read (T72)
  virtual void client_drained() {}
  virtual void secured() {}

  virtual void deadline() = 0;  // of the session

  virtual void shut_down(CloseReason why);                           // says good-bye where it can, and closes
  virtual void leave_at(uint64_t /*at_ms*/, CloseReason /*why*/) {}  // of Relay, which says how
  virtual void farewell(Farewell /*why*/) {}                         // the words alone, if there is room for any

  virtual size_t held() const { return 0; }           // octets of memory that a stranger can fill
  virtual void sum_up(Summary& /*summary*/) const {}  // what only this stage knows; the session closes
  virtual void abandon() {}                           // lets go of all that could still call back; the session closes

 protected:
  explicit Stage(Session& session) : session_(session) {}

  Session& session_;
};

}  // namespace postigo
