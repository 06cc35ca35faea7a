// See options.h.
#include "bench/load/options.h"

#include <stdexcept>

#include "bench/common/program.h"

namespace postigo::bench {
namespace {

void add_work(CLI::App& app, Options& options) {
  app.add_option("--clients", options.clients, "At the same time; idle, storm: logins at the same time")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--sessions", options.sessions, "idle, storm: connections to hold");
  app.add_option("--count", options.count, "Units in all; 0: as many as --seconds allow");
  app.add_option("--seconds", options.seconds, "Nothing begins later than this; idle: the longest wait for a line");
  app.add_option("--warmup", options.warmup, "Units before the clock starts");
  app.add_option("--size", options.size, "Octets of a message (fetch, append)")->transform(CLI::AsSizeValue(false));
  app.add_option("--rate", options.rate, "login: so many per second, whether the last ones are done or not");
  app.add_flag("--literal-plus", options.literal_plus, "append: {n+}, without waiting for the go-ahead");
  app.add_flag("--verify,!--no-verify", options.verify, "Compare what comes with what must come");
  app.add_option("--threads", options.threads, "Event loops; the clients are dealt out")->check(CLI::Range(1, 64));
  app.add_flag("--pause-at-marks", options.pause_at_marks, "Wait for a line on standard input after each mark");
}

}  // namespace

void add_options(CLI::App& app, Options& options) {
  app.add_option("MODE", options.mode, "What to do")
      ->required()
      ->check(CLI::IsMember({"login", "rate", "fetch", "append", "noop", "idle", "storm", "mixed"}));
  app.add_option("--connect", options.connect, "ADDRESS:PORT")->required();
  app.add_option("--protocol", options.protocol)->check(CLI::IsMember({"imap", "pop3"}));
  app.add_option("--tls", options.tls, "From the first octet on; resumed: with the newest ticket of the same client")
      ->check(CLI::IsMember({"off", "full", "resumed"}));
  app.add_option("--ca", options.ca, "Check certificates against these authorities; default: do not check");
  app.add_option("--name", options.name, "Server name to ask for (SNI)");
  app.add_option("--users", options.users, "Different names, used in turn")->check(CLI::Range(1, 100'000'000));
  app.add_option("--user-format", options.user_format, "%d is the number of the user, from 0");
  app.add_option("--password", options.password);
  app.add_option("--sources", options.sources, "Connect from so many addresses, 127.0.1.1 and up; 0: do not choose")
      ->check(CLI::Range(0, 65000));
  add_work(app, options);
}

void complete(Options& options) {
  options.to = parse_address(options.connect);
  if (options.mode == "rate" && options.rate <= 0) throw std::runtime_error("rate needs --rate");
  bool held = options.mode == "idle" || options.mode == "storm";
  if (held && options.sessions == 0) options.sessions = options.clients;
  if (options.mode == "append" && !options.imap()) throw std::runtime_error("POP3 has no append");
  if (options.size == 0 || (!options.imap() && options.size < 2)) throw std::runtime_error("--size is too small");
  if (options.threads > (held ? options.sessions : options.clients)) {
    throw std::runtime_error("more threads than clients");
  }
}

}  // namespace postigo::bench
