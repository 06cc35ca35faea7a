// The proportions of mode `mixed`: what a day's sessions are, in small. Not recorded on a real platform: we have no
// such record. They follow from what clients are known to do, and each line says from what. Change them here, nowhere
// else.
#pragma once

#include <array>
#include <cstdint>

namespace postigo::bench {

enum class SessionKind : uint32_t { poll, wait, read, file };

struct KindOfSession {
  SessionKind kind;
  uint32_t percent;   // of sessions
  uint32_t commands;  // between login and logout
};

constexpr std::array<KindOfSession, 4> kSessions = {{
    // Phones and POP3 clients that look every few minutes and mostly find nothing: many and short.
    {SessionKind::poll, 70, 1},
    // Push: IDLE, left and entered again. Few new sessions, because each lasts up to 29 minutes (RFC 2177); here as
    // long
    // as kWaitNs, since a run lasts seconds.
    {SessionKind::wait, 10, 2},
    // Somebody reads: new messages are fetched one after the other.
    {SessionKind::read, 15, 6},
    // Sent mail and drafts are stored, one at a time.
    {SessionKind::file, 5, 1},
}};

// How long one IDLE lasts.
constexpr int64_t kWaitNs = 500'000'000;

struct SizeOfMessage {
  uint32_t percent;
  uint32_t octets;
};

// Most messages are text and small, most octets are in the few that carry attachments: half below 16 KiB, one in
// twenty-five a megabyte, which is then more than half of the volume.
constexpr std::array<SizeOfMessage, 5> kSizes = {{
    {25, 2 * 1024},
    {30, 8 * 1024},
    {30, 32 * 1024},
    {11, 128 * 1024},
    {4, 1024 * 1024},
}};

constexpr bool adds_up() {
  uint32_t sessions = 0, sizes = 0;
  for (const KindOfSession& each : kSessions) sessions += each.percent;
  for (const SizeOfMessage& each : kSizes) sizes += each.percent;
  return sessions == 100 && sizes == 100;
}
static_assert(adds_up());

}  // namespace postigo::bench
