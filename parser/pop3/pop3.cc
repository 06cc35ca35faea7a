// The row itself. Nothing is decided here.
#include "parser/pop3/pop3.h"

#include "parser/pop3/back.h"
#include "parser/pop3/filter.h"
#include "parser/pop3/front.h"

namespace postigo {

const Protocol kPop3 = {
    .name = "pop3",
    .alpn = "pop3",
    .port = 110,
    .tls_port = 995,
    .srv = "_pop3._tcp.",
    .srv_tls = "_pop3s._tcp.",
    .idle_timeout_ms = 10 * 60'000,
    .idle_timeout_min_ms = 10 * 60'000,
    .idle_rfc = "RFC 1939 3",
    .capability_arguments = true,
    .mechanisms_after_login = true,
    .noop = "STAT\r\n",
    .noop_done = "+OK",
    .goodbye = "QUIT\r\n",
    .verbs = pop3::kVerbs,
    .make_front = pop3::make_front,
    .make_back = pop3::make_back,
    .refusal_for = pop3::refusal_for,
    .make_filter = pop3::make_filter,
};

}  // namespace postigo
