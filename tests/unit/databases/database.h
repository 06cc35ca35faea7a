// A real database server for tests: started once, changed by SQL, killed, stopped and started again.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "backends/directory/source.h"
#include "config/config.h"
#include "tests/unit/backends/temporary.h"
#include "tests/unit/databases/program.h"

namespace postigo::databases {

inline constexpr const char* kPassword = "canary-database-password";

class Database {
 public:
  virtual ~Database() = default;

  // As its administrator; an error is the test's.
  virtual void run(const std::string& sql) = 0;
  // Ends all connections but the administrator's.
  virtual void end_connections() = 0;

  // A directory here, with `query`, over TCP.
  config::Directory directory(const std::string& query) const {
    config::Directory made;
    made.name = "users";
    made.type = type;
    made.check_password = true;
    made.servers = {"127.0.0.1:" + std::to_string(port)};
    made.login = "postigo";
    made.password = config::KeptSecret(Secret(kPassword));
    made.sql.database = "mail";
    made.sql.query = query;
    return made;
  }
  Result<SharedSource> load(const config::Directory& from) const {
    return type == config::Directory::Type::postgresql ? load_postgresql_directory(from) : load_mysql_directory(from);
  }

  void kill() { program_->end(); }
  void stop() { program_->send(SIGSTOP); }
  void go_on() { program_->send(SIGCONT); }
  void start() {
    program_ = launch();
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!serves()) {
      if (std::chrono::steady_clock::now() > end) throw std::runtime_error("no database: " + contents(log_));
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }

  const config::Directory::Type type;
  const int port = free_port();
  std::string socket;       // as an operator writes it
  std::string authorities;  // that signed its certificate, for "localhost"

 protected:
  Database(config::Directory::Type of, std::string account)
      : type(of), account_(std::move(account)), log_(place_.file("log")) {
    std::filesystem::permissions(place_.file(""), std::filesystem::perms(0777));
    make_certificate();
  }
  virtual std::unique_ptr<Program> launch() const = 0;
  virtual bool serves() = 0;

  std::string file(const std::string& name) const { return place_.file(name); }
  void do_once(const std::vector<std::string>& command) const { databases::run(command, account_, log_); }

  const std::string account_;

 private:
  void make_certificate() {
    authorities = file("server.pem");
    do_once({"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
             file("server.key"), "-out", authorities});
  }

  Temporary place_;

 protected:
  const std::string log_;
  std::unique_ptr<Program> program_;  // ends before its files go
};

// Each is started when it is first asked for, and ends with the program.
Database& postgresql();
Database& mariadb();

}  // namespace postigo::databases
