// Not here: what the verbs do (control/verbs*.cc). That answers are what this page says is shown by e2e/test_api.py.
#include "proxy/ops/answers.h"

namespace postigo::answers {
namespace {

using Type = Field::Type;

Field rows(std::string_view name, std::string_view doc, std::vector<Field> columns) {
  return {name, Type::rows, doc, true, std::move(columns)};
}

Field changes() {
  return rows("changes", "Key by key",
              {{"key", Type::text, "As in backend[mail1].host"},
               {"before", Type::text, "Secrets as ***; empty: it is not there"},
               {"after", Type::text, "Secrets as ***; empty: it is not there"},
               {"needs_restart", Type::flag, "A reload cannot change it"}});
}

Field missing() {
  return {"missing", Type::texts,
          "Processes from before an upgrade that did not answer, and why: what is theirs is not in the answer", false};
}

Field problems(bool always) { return {"problems", Type::texts, "Errors and warnings, with their places", always}; }

}  // namespace

std::vector<Field> status() {
  return {{"version", Type::text, "Which version runs"},
          {"state", Type::text, "serving, draining or stopping"},
          {"pid", Type::integer, "Of the process"},
          {"uptime_s", Type::integer, "Seconds since the start"},
          {"workers", Type::integer, "Event loops"},
          {"sessions", Type::integer, "Of now, those of predecessors included"},
          {"sessions_max", Type::integer, "Those that may be, without those of predecessors"},
          {"phases", Type::counts, "Sessions by phase, those of predecessors included"},
          {"configuration", Type::text, "Its file"},
          {"hash", Type::text, "Of the configuration in effect"},
          {"loaded_s", Type::integer, "When it took effect (unix time)"},
          {"last_load_good", Type::flag, "The newest attempt took effect"},
          rows("predecessors", "Processes from before an upgrade that still have sessions",
               {{"pid", Type::integer, "Of that process"},
                {"version", Type::text, "Which version it is"},
                {"sessions", Type::integer, "Of now"}}),
          missing()};
}

std::vector<Field> version() {
  return {{"version", Type::text, "Of Postigo"}, {"boringssl", Type::text, "Of its TLS library"}};
}

std::vector<Field> who() {
  return {
      rows("sessions", "One each",
           {{"id", Type::text, "As in the log"},
            {"user", Type::text, "Empty before an attempt to log in"},
            {"authenticated", Type::flag, "Else the user is only claimed"},
            {"client", Type::text, "Address and port"},
            {"listener", Type::text, "Through which it came"},
            {"protocol", Type::text, "imap or pop3"},
            {"tls", Type::text, "Version towards the client, or none"},
            {"phase", Type::text, "As in the log"},
            {"backend", Type::text, "Empty before there is one"},
            {"seconds", Type::real, "Since it began"},
            {"bytes_in", Type::integer, "Relayed from the client"},
            {"bytes_out", Type::integer, "Relayed from the backend"},
            {"pid", Type::integer, "Of the process that has it: the one that serves, or one from before an upgrade"}}),
      missing()};
}

std::vector<Field> kick() {
  return {{"ended", Type::integer, "Sessions that are told to end"},
          {"leaving", Type::integer, "Sessions that have a moment of their own to go"},
          missing()};
}

std::vector<Field> backends() {
  return {
      rows("backends", "One each, and those that were removed as long as they have sessions",
           {{"name", Type::text, "As configured"},
            {"host", Type::text, "As configured; empty if it was removed"},
            {"state", Type::text, "What operators want of it, or removed"},
            {"weight", Type::integer, "Of its users, in a hundred"},
            {"sessions", Type::integer, "Relayed now"},
            {"logins", Type::integer, "Under way now"},
            {"ready", Type::integer, "Connections that wait for a login"},
            {"queue", Type::integer, "Logins that wait for room"},
            {"sessions_max", Type::integer, "Sessions and logins that it may have; 0: no limit of its own"},
            {"health", Type::text, "What is believed of it: up, suspect, down, slow_start; by protocol if they differ"},
            {"health_seconds", Type::integer, "Since when"},
            {"health_why", Type::text, "Why; empty if nothing is wrong"}}),
      missing()};
}

std::vector<Field> backend() {
  return {{"name", Type::text, "The backend"},
          {"state", Type::text, "What operators want of it now"},
          {"weight", Type::integer, "Of its users, in a hundred"},
          {"ended", Type::integer, "Sessions that are told to end"},
          {"leaving", Type::integer, "Sessions that have a moment of their own to go"},
          missing(),
          {"note", Type::text, "What there is to know about it", false}};
}

std::vector<Field> listeners() {
  return {rows("listeners", "One each",
               {{"name", Type::text, "As configured"},
                {"protocol", Type::text, "imap or pop3"},
                {"addresses", Type::text, "Separated by blanks"},
                {"tls", Type::text, "As configured"},
                {"open", Type::integer, "Connections of now"},
                {"accepted", Type::integer, "Connections since the start"}}),
          missing()};
}

std::vector<Field> certs() {
  return {rows("certificates", "One each",
               {{"number", Type::integer, "In the configuration, from 1"},
                {"name", Type::text, "The first that it is served for"},
                {"kind", Type::text, "ecdsa or rsa"},
                {"not_after_s", Type::integer, "When it ends (unix time)"},
                {"days_left", Type::integer, "Until then; below 0: it is over"},
                {"file", Type::text, "Where it came from"}})};
}

std::vector<Field> totals() {
  return {
      {"at_ms", Type::integer, "When this was counted, on a clock that only goes forward"},
      {"pid", Type::integer, "Of the process: another one counts from 0"},
      {"accepted", Type::integer, "Connections"},
      {"logins", Type::counts, "Attempts to log in, by their result"},
      {"refused", Type::counts, "Attempts that were refused, by the reasons of the log, without those that never were"},
      {"bytes_in", Type::integer, "Relayed from clients"},
      {"bytes_out", Type::integer, "Relayed from backends"},
      {"login_us", Type::counts, "Logins by how long they took: upper bounds in microseconds, `more` for the rest"},
      {"lag_us", Type::counts, "How late the workers' timers were, in the same way"},
      rows("backends", "Those that are configured",
           {{"name", Type::text, "As configured"},
            {"connects", Type::integer, "Connections that we made"},
            {"errors", Type::integer, "Logins that failed there and were not refused"},
            {"login_us", Type::counts, "From the connection to the backend's yes, as above"}})};
}

std::vector<Field> problems() {
  return {rows("problems", "Lines of the log, the newest first",
               {{"at_s", Type::real, "Unix time"},
                {"level", Type::text, "warning or error"},
                {"event", Type::text, "As in the log"},
                {"detail", Type::text, "Its fields, cut if they are long"}})};
}

std::vector<Field> route() {
  return {{"user", Type::text, "As normalised"},
          {"name", Type::text, "What was asked for and what became of it, if that is another: JOE -> joe", false},
          {"pool", Type::text, "Where he lives"},
          {"shard", Type::text, "Where he lives"},
          {"reason", Type::text, "Why"},
          {"bound_to", Type::text, "With affinity: the backend where his sessions are, or were; it comes first"},
          {"on_hold", Type::flag, "His logins wait now"},
          rows("backends", "In the order in which they are tried",
               {{"name", Type::text, "As configured"},
                {"host", Type::text, "As configured"},
                {"state", Type::text, "What operators want of it"},
                {"weight", Type::integer, "Of its users, in a hundred"}})};
}

std::vector<Field> trace() {
  return {
      {"file", Type::text, "That is written"}, {"sessions", Type::text, "Which ones"}, {"for", Type::text, "How long"}};
}

std::vector<Field> penalties() {
  return {rows("penalties", "One each",
               {{"whom", Type::text, "An address or network with its bits, or a user"},
                {"kind", Type::text, "address or user"},
                {"failures", Type::real, "That are not forgotten yet"},
                {"wait_s", Type::real, "Before an attempt that came now would be looked at"}})};
}

std::vector<Field> forgive() { return {{"forgiven", Type::integer, "Addresses, networks and users that had any"}}; }

std::vector<Field> cache() { return {{"flushed", Type::integer, "Questions whose answers were kept"}}; }

std::vector<Field> move() {
  return {{"user", Type::text, "As normalised"},
          {"to", Type::text, "POOL/SHARD, with /BACKEND if one was named, or auto"},
          {"ended", Type::integer, "His sessions that were let go"},
          {"until_s", Type::integer, "When the order ends by itself (unix time)", false},
          {"note", Type::text, "What there is to know about it", false}};
}

std::vector<Field> drain() {
  return {{"sessions", Type::integer, "That are asked to go, or stay again, those of predecessors included"},
          missing()};
}

std::vector<Field> hold() {
  return {{"user", Type::text, "As normalised"}, {"seconds", Type::integer, "Then it ends by itself"}, missing()};
}

std::vector<Field> release() {
  return {{"user", Type::text, "As normalised"}, {"released", Type::flag, "He was on hold"}, missing()};
}

std::vector<Field> users() {
  return {rows("users", "One each",
               {{"user", Type::text, "As normalised"},
                {"backend", Type::text, "Where his sessions are, or were"},
                {"sessions", Type::integer, "That he has now"},
                {"lapses_s", Type::integer, "Without a session: for so long he is still sent there"},
                {"home", Type::text, "Where rules and hash would send him first; directories are not asked"},
                {"order", Type::text, "Where an operator has sent him: POOL/SHARD; or empty"}}),
          missing()};
}

std::vector<Field> flush() {
  return {{"backend", Type::text, "That is, or was, emptied; empty: none was yet"},
          {"to", Type::text, "The backend where its users go"},
          {"state", Type::text, "none, running or done"},
          {"users", Type::integer, "That were there"},
          {"moved", Type::integer, "Of these"},
          {"failed", Type::integer, "Who are where they were"},
          {"under_way", Type::integer, "Who are being moved now"},
          {"ended", Type::integer, "Sessions that were let go"},
          {"failures", Type::texts, "The newest ones: USER: why; and processes that do not tell who is there"}};
}

std::vector<Field> config() { return {{"toml", Type::text, "The configuration in effect, secrets as ***"}}; }

std::vector<Field> diff() {
  return {changes(),
          rows("touched", "Backends and listeners that would not be the same",
               {{"touched", Type::text, "backend NAME or listener NAME"},
                {"change", Type::text, "changed or removed"},
                {"sessions", Type::integer, "That they have now"},
                {"they", Type::text, "What becomes of those"}}),
          problems(false)};
}

std::vector<Field> reload() {
  return {changes(), problems(true), {"left_out", Type::texts, "Keys that only a restart changes", false}};
}

std::vector<Field> log() { return {{"level", Type::text, "That was set", false}}; }

std::vector<Field> upgrade() { return {{"pid", Type::integer, "Of the process that serves now"}}; }

}  // namespace postigo::answers
