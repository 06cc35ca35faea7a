// What systemd is told of us (sd_notify(3)), if it asked: over the datagram socket in NOTIFY_SOCKET.
#pragma once

#include <string>

namespace postigo {

// "READY=1" and the like, one assignment per line. Never blocks; where nobody listens, nothing happens. Control thread.
void notify(const std::string& state);
// Another process speaks for the service now.
void notify_no_more();

// "RELOADING=1" with the time that Type=notify-reload wants; "READY=1" follows when it is over.
void notify_reloading();

}  // namespace postigo
