// Every event that can be in the log, with its level and its fields: the table of proxy/LOG.md.
//
// Names and fields are a promise to those who read the log by program: add, but do not rename. Who and from where come
// first in a line, what a stranger chose comes last.
#pragma once

#include <array>
#include <string_view>

#include "proxy/base/log.h"

namespace postigo::events {

using log::Event;
using log::Level;

// --- the process ---
inline constexpr Event listening{"listening", Level::info, "A listener accepts connections.",
                                 "listener protocol address"};
inline constexpr Event admin{"admin", Level::info, "Metrics and health are served.", "url"};
inline constexpr Event ready{"ready", Level::info, "All is started.",
                             "version workers backends descriptors sessions_max"};
inline constexpr Event not_listening{"not_listening", Level::info, "A listener accepts no more connections.",
                                     "listener protocol address"};
inline constexpr Event listener_lost{"listener_lost", Level::error, "A worker cannot listen on an address.",
                                     "address detail"};
inline constexpr Event configuration_error{"configuration_error", Level::error,
                                           "A new configuration has this error: nothing is changed.", "detail"};
inline constexpr Event configuration_warning{"configuration_warning", Level::warning,
                                             "A new configuration has this flaw.", "detail"};
inline constexpr Event reloaded{"reloaded", Level::info, "A new configuration is in effect.", "cause changes hash"};
inline constexpr Event reload_refused{"reload_refused", Level::error,
                                      "A new configuration was refused: the old one stays in effect as a whole.",
                                      "cause detail"};
inline constexpr Event srv_changed{"srv_changed", Level::info, "SRV records name other backends than before.",
                                   "service targets"};
inline constexpr Event srv_failed{
    "srv_failed", Level::warning,
    "SRV records cannot be had, which is told once: the backends stay that they named last.", "service detail"};
inline constexpr Event certificate_expires{
    "certificate_expires", Level::warning,
    "A certificate has less than 14 days: told at the start, with each new configuration, and once a day.",
    "name days"};
inline constexpr Event log_reopened{"log_reopened", Level::info, "The log file was opened again.", ""};
inline constexpr Event log_not_reopened{"log_not_reopened", Level::error,
                                        "The log file could not be opened again: it goes on where it was.", "detail"};
inline constexpr Event state_not_kept{
    "state_not_kept", Level::error,
    "`[server] state_file` cannot be written: a restart would not know which backends are down.", "detail"};
inline constexpr Event admin_action{"admin_action", Level::info, "Somebody used a verb that changes something.",
                                    "by verb result detail"};
inline constexpr Event api{"api", Level::info, "The admin API is served to those who have a token.", "url"};
inline constexpr Event api_stranger{"api_stranger", Level::warning,
                                    "Somebody asked the admin API without a token that is known here.", "client"};
inline constexpr Event listener_rests{"listener_rests", Level::warning,
                                      "No descriptor or memory for another connection: accepting waits half a second.",
                                      "listener detail"};
inline constexpr Event stopping{"stopping", Level::info, "A signal ends the process.", "signal"};
inline constexpr Event draining{
    "draining", Level::info,
    "Sessions are let go, evenly over so many seconds, where that cuts no response; so many are logged in.",
    "sessions seconds"};
inline constexpr Event backend_removed{
    "backend_removed", Level::info,
    "A backend is not in the configuration any more, and its sessions are let go, evenly over so many seconds.",
    "backend sessions seconds"};
inline constexpr Event move_failed{"move_failed", Level::warning,
                                   "A user could not be moved away from a backend, and is where he was.",
                                   "backend detail user"};
inline constexpr Event flushed{"flushed", Level::info,
                               "A backend was emptied of its users, as far as they could be moved.",
                               "backend moved failed"};
inline constexpr Event drain_undone{"drain_undone", Level::info, "Who has not gone yet stays.", "sessions"};
inline constexpr Event upgrading{"upgrading", Level::info, "Another process is to take this one's place.",
                                 "cause program"};
inline constexpr Event upgrade_failed{"upgrade_failed", Level::error,
                                      "The other process does not serve: this one goes on as before.", "cause detail"};
inline constexpr Event handed_over{
    "handed_over", Level::info,
    "Another process serves: this one accepts nobody any more and ends with its last session.", "cause pid"};
inline constexpr Event socket_unused{"socket_unused", Level::warning,
                                     "A socket was inherited that the configuration has no use for: it is closed.",
                                     "address"};
inline constexpr Event stopping_now{"stopping_now", Level::warning, "A second signal: sessions are cut off.", "signal"};
inline constexpr Event stop_failed{"stop_failed", Level::error, "A worker does not end: the process ends without it.",
                                   ""};
inline constexpr Event stopped{"stopped", Level::info, "The last line.", ""};
inline constexpr Event cannot_start{"cannot_start", Level::error, "The process ends with 1.", "detail"};
inline constexpr Event handles_left{"handles_left", Level::error, "Something was left open at the end: a bug.",
                                    "detail"};
inline constexpr Event log_incomplete{
    "log_incomplete", Level::warning,
    "What the log has lost since this was last told; `postigo_log_lines_lost_total` counts it.",
    "over_limit unwritten cut"};

// --- sessions ---
inline constexpr Event login{
    "login", Level::info, "A user is logged in and relayed; addresses and ports of all four ends.",
    "id client via local backend_local backend_address protocol listener user authcid mechanism tls cipher resumed "
    "backend shard "
    "backend_tls backend_tls_version backend_cipher login_failures seconds delayed keep via_tls via_alpn via_id sni"};
inline constexpr Event login_refused{
    "login_refused", Level::info, "One attempt was refused, whatever became of the session: a line for each.",
    "id client reason via protocol listener mechanism tls attempt backend code delayed claimed_user"};
inline constexpr Event session{
    "session", Level::info, "A session is over. `user` was verified, `claimed_user` was not.",
    "id protocol listener client via user claimed_user tls cipher resumed mechanism backend shard backend_tls bytes_in "
    "bytes_out commands login_failures seconds phase state reason detail keep via_alpn via_id"};
inline constexpr Event overflow{"overflow", Level::error, "What was to be said does not fit: a bug. The session ends.",
                                "id detail"};
inline constexpr Event probe{"probe", Level::debug, "Somebody connected and left without an octet: a health check.",
                             "id protocol listener client via seconds"};

// --- backends and directories ---
inline constexpr Event backend_away{
    "backend_away", Level::warning,
    "A backend fails logins; told once, and not again within ten seconds of `backend_back`.",
    "id backend error state detail"};
inline constexpr Event backend_back{"backend_back", Level::warning,
                                    "It serves again: how many logins it failed meanwhile, and for how long.",
                                    "backend failed_logins seconds"};
inline constexpr Event backend_health{
    "backend_health", Level::warning,
    "What is believed of a backend has changed: while it is down nobody waits for it; behind that its share grows.",
    "backend protocol health before seconds detail"};
inline constexpr Event backend_suspected{"backend_suspected", Level::debug,
                                         "The same where only suspicion comes or goes: it serves all the time.",
                                         "backend protocol health before seconds detail"};
inline constexpr Event probe_refused{
    "probe_refused", Level::error,
    "The account for probes cannot log in: told once. The backend is not down by that, but probes prove no more than a "
    "greeting.",
    "backend protocol code detail"};
inline constexpr Event backend_failed{"backend_failed", Level::debug, "Each of those logins.",
                                      "id backend error state detail"};
inline constexpr Event backend_refused{"backend_refused", Level::info,
                                       "What a backend said when it refused: the client hears only a registered code.",
                                       "id backend code detail"};
inline constexpr Event master_refused{
    "master_refused", Level::error,
    "A backend refuses our master identity for a user whom we verified: `[auth.backend_login]`, or the backend's side.",
    "id backend error state detail"};
inline constexpr Event directory_away{"directory_away", Level::warning,
                                      "Look-ups fail; told once, and not again within ten seconds of `directory_back`.",
                                      "id detail"};
inline constexpr Event directory_back{"directory_back", Level::warning,
                                      "They succeed again: how many failed meanwhile, and for how long.",
                                      "failed_logins seconds"};
inline constexpr Event directory_odd{
    "directory_odd", Level::warning,
    "A directory goes on with what it had: the file that it reads has become one of no use, or is gone. Told once.",
    "detail"};
inline constexpr Event policy_failed{"policy_failed", Level::warning,
                                     "The policy server does not answer, or not well; told once in a minute.",
                                     "detail"};
inline constexpr Event lookup_failed{"lookup_failed", Level::debug, "Each of those look-ups.", "id detail"};
inline constexpr Event lookup{"lookup", Level::debug, "What a directory remarks about a look-up.", "id detail"};
inline constexpr Event entry_unusable{"entry_unusable", Level::error,
                                      "A directory's entry cannot be used: its hash is damaged, unknown or too dear.",
                                      "id detail"};
inline constexpr Event route_failed{
    "route_failed", Level::error, "A user's pool or shard does not exist: the directory and the configuration differ.",
    "id detail"};

// --- how a session goes on ---
inline constexpr Event phase{"phase", Level::debug, "A session enters a phase (ARCHITECTURE.md).", "id phase"};
inline constexpr Event dialogue{"dialogue", Level::debug,
                                "A step of the dialogue with the client or a backend: never what was said.",
                                "id side state step commands"};

inline constexpr std::array kAll = {&listening,
                                    &admin,
                                    &ready,
                                    &not_listening,
                                    &listener_lost,
                                    &configuration_error,
                                    &configuration_warning,
                                    &reloaded,
                                    &reload_refused,
                                    &srv_changed,
                                    &srv_failed,
                                    &certificate_expires,
                                    &log_reopened,
                                    &log_not_reopened,
                                    &state_not_kept,
                                    &admin_action,
                                    &api,
                                    &api_stranger,
                                    &listener_rests,
                                    &stopping,
                                    &draining,
                                    &backend_removed,
                                    &move_failed,
                                    &flushed,
                                    &drain_undone,
                                    &upgrading,
                                    &upgrade_failed,
                                    &handed_over,
                                    &socket_unused,
                                    &stopping_now,
                                    &stop_failed,
                                    &stopped,
                                    &cannot_start,
                                    &handles_left,
                                    &log_incomplete,
                                    &login,
                                    &login_refused,
                                    &session,
                                    &overflow,
                                    &probe,
                                    &backend_away,
                                    &backend_back,
                                    &backend_health,
                                    &backend_suspected,
                                    &probe_refused,
                                    &backend_failed,
                                    &backend_refused,
                                    &master_refused,
                                    &directory_away,
                                    &directory_back,
                                    &directory_odd,
                                    &policy_failed,
                                    &lookup_failed,
                                    &lookup,
                                    &entry_unusable,
                                    &route_failed,
                                    &phase,
                                    &dialogue};

}  // namespace postigo::events
