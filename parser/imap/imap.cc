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
