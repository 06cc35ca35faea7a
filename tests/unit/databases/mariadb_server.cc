// A MariaDB with its own files, on loopback and on a unix socket.
#include <mysql.h>

#include "tests/unit/databases/database.h"

namespace postigo::databases {
namespace {

using MariadbHandle = std::unique_ptr<MYSQL, decltype(&mysql_close)>;

class Mariadb final : public Database {
 public:
  Mariadb() : Database(config::Directory::Type::mysql, "mysql") {
    socket = file("mysqld.sock");
    do_once({"/usr/bin/mariadb-install-db", "--no-defaults", "--datadir=" + file("data"), "--skip-test-db",
             "--auth-root-authentication-method=normal", "--innodb-flush-log-at-trx-commit=0",
             "--innodb-log-file-size=4M"});
    start();
    run("CREATE DATABASE mail CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
    run(std::string("CREATE USER postigo IDENTIFIED BY '") + kPassword + "'");
    run("GRANT SELECT ON mail.* TO postigo");
  }

  void run(const std::string& sql) override {
    MariadbHandle connection = connect();
    if (!sql.starts_with("CREATE DATABASE")) mysql_select_db(connection.get(), "mail");
    if (mysql_query(connection.get(), sql.c_str()) != 0) {
      throw std::runtime_error(sql + ": " + mysql_error(connection.get()));
    }
  }
  void end_connections() override { run("KILL CONNECTION USER postigo"); }

 private:
  MariadbHandle connect() const {
    MariadbHandle connection(mysql_init(nullptr), mysql_close);
    mysql_real_connect(connection.get(), nullptr, "root", "", nullptr, 0, file("mysqld.sock").c_str(), 0);
    return connection;
  }
  bool serves() override { return mysql_errno(connect().get()) == 0; }
  std::unique_ptr<Program> launch() const override {
    return std::make_unique<Program>(
        std::vector<std::string>{
            "/usr/sbin/mariadbd", "--no-defaults", "--datadir=" + file("data"), "--bind-address=127.0.0.1",
            "--port=" + std::to_string(port), "--socket=" + file("mysqld.sock"), "--pid-file=" + file("pid"),
            "--ssl-cert=" + file("server.pem"), "--ssl-key=" + file("server.key"), "--skip-name-resolve",
            "--innodb-flush-log-at-trx-commit=2", "--skip-log-bin", "--innodb-buffer-pool-size=8M"},
        account_, log_);
  }
};

}  // namespace

Database& mariadb() {
  static Mariadb server;
  return server;
}

}  // namespace postigo::databases
