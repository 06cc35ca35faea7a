// Inheritance: what a process is given by its predecessor, or by systemd: sockets that listen, keys, orders.
//
// Blocking; main thread, before any other exists.
#pragma once

#include <string>

#include "backends/work/descriptor.h"
#include "parser/base/result.h"
#include "proxy/control/estate.h"

namespace postigo {

struct Inheritance {
  Estate estate;
  Descriptor predecessor;  // to be told when we serve; none: nobody waits
};

// What the environment says that we were given (LISTEN_FDS, kSuccessionVariable); the variables are forgotten. The
// error is one line.
Result<Inheritance> inherit();
// From the process that has this admin socket. Nothing if nobody listens there.
Result<Inheritance> take_over(const std::string& admin_socket);

// We serve: whoever waited for it ends now. False: he has given up waiting and serves on, so that we must not. Blocking
// until he says so.
bool tell_predecessor(Inheritance& inheritance);

}  // namespace postigo
