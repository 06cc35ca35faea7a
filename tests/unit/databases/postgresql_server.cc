// A PostgreSQL with its own files, on loopback and on a unix socket.
#include <libpq-fe.h>

#include "tests/unit/databases/database.h"

namespace postigo::databases {
namespace {

using PostgresqlHandle = std::unique_ptr<PGconn, decltype(&PQfinish)>;

std::string programs() {
  for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql")) {
    const auto bin = version.path() / "bin";
    if (std::filesystem::exists(bin / "initdb")) return bin.string() + '/';
  }
  throw std::runtime_error("no PostgreSQL is installed");
}

class Postgresql final : public Database {
 public:
  Postgresql() : Database(config::Directory::Type::postgresql, "postgres") {
    socket = file(".s.PGSQL.") + std::to_string(port);
    do_once({programs() + "initdb", "-D", file("data"), "-U", "admin", "--auth-local=trust",
             "--auth-host=scram-sha-256", "--no-sync", "--no-locale", "-E", "UTF8"});
    start();
    run(std::string("CREATE ROLE postigo LOGIN PASSWORD '") + kPassword + "'");
    run("CREATE DATABASE mail");
    run("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO postigo", "mail");
  }

  void run(const std::string& sql) override { run(sql, "mail"); }
  void end_connections() override {
    run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postigo'");
  }

 private:
  PostgresqlHandle connect(const std::string& database) const {
    const std::string where = "host=" + file("") + " port=" + std::to_string(port) + " user=admin dbname=" + database;
    return {PQconnectdb(where.c_str()), PQfinish};
  }
  void run(const std::string& sql, const std::string& database) const {
    PostgresqlHandle connection =
        connect(sql.starts_with("CREATE DATABASE") || sql.starts_with("CREATE ROLE") ? "postgres" : database);
    PGresult* result = PQexec(connection.get(), sql.c_str());
    const ExecStatusType status = PQresultStatus(result);
    PQclear(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
      throw std::runtime_error(sql + ": " + PQerrorMessage(connection.get()));
    }
  }
  bool serves() override { return PQstatus(connect("postgres").get()) == CONNECTION_OK; }
  std::unique_ptr<Program> launch() const override {
    std::filesystem::remove(file("data/postmaster.pid"));  // after a kill its number may be somebody else's
    std::vector<std::string> command = {programs() + "postgres", "-D", file("data"), "-k", file(""), "-p",
                                        std::to_string(port)};
    for (const std::string& setting : {std::string("listen_addresses=127.0.0.1"), std::string("fsync=off"),
                                       std::string("ssl=on"), "ssl_cert_file=" + file("server.pem"),
                                       "ssl_key_file=" + file("server.key"), std::string("shared_buffers=8MB")}) {
      command.insert(command.end(), {"-c", setting});
    }
    return std::make_unique<Program>(command, account_, log_);
  }
};

}  // namespace

Database& postgresql() {
  static Postgresql server;
  return server;
}

}  // namespace postigo::databases
