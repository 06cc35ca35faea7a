// The subcommands of `postigo`, after the command line was understood. Each returns the exit code of the process and
// writes what was asked for to `out`, everything else to `err`. No exception leaves them; no secret reaches a stream.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proxy/commands/usage.h"

namespace postigo::commands {

// What scripts may rely on (README.md, --help).
enum Exit : int {
  kOk = 0,
  kFailed = 1,            // it could not be done
  kUsage = 2,             // the command line makes no sense
  kBadConfiguration = 3,  // the configuration has problems; all of them were told
  kTryLater = 75,         // somebody who is asked does not answer now (sysexits.h: EX_TEMPFAIL)
};

struct Streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
};

struct ServeOptions {
  std::string file;
  bool takeover = false;  // from the one that runs, if one does
};
int serve(const ServeOptions& options, Streams io);

struct CheckOptions {
  std::string file;
  bool dump = false;             // print the effective configuration instead of a summary
  bool against_running = false;  // and say what would change if it took the place of what runs
  std::string socket;            // of what runs; empty: the one that the file names
  bool connect = false;          // try whatever the configuration connects to
  bool json = false;             // what came of that
};
int check(const CheckOptions& options, Streams io);

struct RouteOptions {
  std::string file;
  std::string user;
  std::string protocol;  // empty: that of the first listener
  bool json = false;
};
int route(const RouteOptions& options, Streams io);

struct AuthTestOptions {
  std::string file;
  std::string user, authzid;
  std::string mechanism = "PLAIN";
  std::string protocol, listener;     // empty: the first listener, or the first that speaks it
  std::string address = "127.0.0.1";  // of the client
  bool json = false;
};
int auth_test(const AuthTestOptions& options, Streams io);

struct UserOptions {
  enum class Password { automatic, ask, standard_input, none };

  std::string file;
  std::string directory;  // empty: the only SQLite directory
  std::string name;
  // automatic: ask if the directory checks passwords and the user is new, else leave it
  Password password = Password::automatic;
  std::optional<std::string> pool, shard, backend_user;
  std::optional<bool> disabled;
  std::vector<std::pair<std::string, std::string>> fields;  // others, by name (backends/directory/fields.h)
  bool scram = false;                                       // store keys for SCRAM-SHA-256
  std::string to;                                           // rename
  std::string label;                                        // of a password for programs
  std::string import_file;                                  // "-": standard input
  bool replace = false;
  bool hashes = false, jsonl = false;  // export
};
int user_add(const UserOptions& options, Streams io);
int user_set(const UserOptions& options, Streams io);
int user_del(const UserOptions& options, Streams io);
int user_list(const UserOptions& options, Streams io);
int user_rename(const UserOptions& options, Streams io);
int user_verify(const UserOptions& options, Streams io);
int user_import(const UserOptions& options, Streams io);
int user_export(const UserOptions& options, Streams io);
int app_password_add(const UserOptions& options, Streams io);
int app_password_list(const UserOptions& options, Streams io);
int app_password_revoke(const UserOptions& options, Streams io);

// A verb of the admin API (ops/verbs.h), asked of the Postigo that runs.
struct CtlOptions {
  std::string file = {};                  // the configuration that names the socket
  std::string socket = {};                // instead
  std::string url = {}, token_file = {};  // instead: the API on TCP
  std::vector<std::string> doors = {};    // instead: names in the operator's own file
  std::string doors_file = {};            // empty: in his home
  bool json = false;                      // print the answer as it came; with doors: by their names
  std::string verb = {};
  std::vector<std::pair<std::string, std::string>> parameters = {};  // as they were typed
};
int ctl(const CtlOptions& options, Streams io);

int version(Streams io);

// Prints the completion script of a shell (bash, zsh, fish), or a manual page (postigo.8, postigo-ctl.1,
// postigo.toml.5), made of the command line.
int completion(const std::string& shell, const Usage& program, Streams io);
int manual(const std::string& page, const Usage& program, Streams io);

}  // namespace postigo::commands
