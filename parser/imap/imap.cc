// The row itself; what its functions do stands in front.cc, back.cc and filter.cc.
#include "parser/imap/imap.h"

#include "parser/imap/back.h"
#include "parser/imap/filter.h"
#include "parser/imap/front.h"
#include "parser/imap/verbs.h"

namespace postigo {

constinit const Protocol kImap = {
    .name = "imap",
    .alpn = "imap",
    .port = 143,
    .tls_port = 993,
    .srv = "_imap._tcp.",
    .srv_tls = "_imaps._tcp.",
    .idle_timeout_ms = 35 * 60'000,  // more than the 29 minutes after which clients renew IDLE (T35)
    .idle_timeout_min_ms = 30 * 60'000,
    .idle_rfc = "RFC 9051 5.4; clients that IDLE are silent for 29m",
    .lists_before_login = true,
    .compresses = true,
    .noop = "probe NOOP\r\n",
    .noop_done = "probe OK",
    .goodbye = "bye LOGOUT\r\n",
    .verbs = imap::kVerbs,
    .make_front = imap::make_front,
    .make_back = imap::make_back,
    .refusal_for = imap::refusal_for,
    .make_filter = imap::make_filter,
};

}  // namespace postigo
