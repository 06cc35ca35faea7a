// A real OpenLDAP server on a unix socket, with some users. Nobody but "cn=reader" finds anything there.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "tests/unit/backends/drivers/child.h"
#include "tests/unit/backends/temporary.h"

namespace postigo {

class Slapd {
 public:
  static constexpr const char* kProgram = "/usr/sbin/slapd";
  static bool installed() { return access(kProgram, X_OK) == 0; }

  // `users`: LDIF, below ou=people,dc=example,dc=com.
  explicit Slapd(const std::string& users) {
    mkdir_or_throw(place_.file("db"));
    std::ofstream(configuration()) << text();
    std::ofstream(place_.file("users.ldif")) << kAbove << users;
    Child add({"/usr/sbin/slapadd", "-f", configuration(), "-l", place_.file("users.ldif")}, output());
    if (add.wait() != 0) throw std::runtime_error("slapadd: " + content_of(output()));
    start();
  }

  void start() {
    server_ = std::make_unique<Child>(
        std::vector<std::string>{kProgram, "-d", "256", "-f", configuration(), "-h", url()}, output());
    for (int i = 0; i < 3000 && !listens(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  void kill() {
    server_.reset();
    unlink(socket().c_str());
  }
  void signal(int number) const { server_->signal(number); }

  std::string url() const {
    std::string escaped;
    for (char c : socket()) escaped += c == '/' ? "%2F" : std::string(1, c);
    return "ldapi://" + escaped;
  }
  std::string output() const { return place_.file("output"); }

 private:
  static constexpr const char* kAbove =
      "dn: dc=example,dc=com\nobjectClass: domain\ndc: example\n\n"
      "dn: ou=people,dc=example,dc=com\nobjectClass: organizationalUnit\nou: people\n\n"
      "dn: cn=reader,dc=example,dc=com\nobjectClass: person\ncn: reader\nsn: r\nuserPassword: reading\n\n";

  static void mkdir_or_throw(const std::string& path) {
    if (!std::filesystem::create_directory(path)) throw std::runtime_error("mkdir " + path);
  }
  bool listens() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket().copy(address.sun_path, sizeof address.sun_path - 1);
    const int door = ::socket(AF_UNIX, SOCK_STREAM, 0);
    const bool open = connect(door, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    close(door);
    return open;
  }
  std::string configuration() const { return place_.file("slapd.conf"); }
  std::string socket() const { return place_.file("socket"); }
  std::string text() const {
    const std::string schema = "include /etc/ldap/schema/";
    return schema + "core.schema\n" + schema + "cosine.schema\n" + schema + "inetorgperson.schema\n" +
           "attributetype ( 1.3.6.1.4.1.99999.1 NAME 'pool' EQUALITY caseExactMatch SYNTAX "
           "1.3.6.1.4.1.1466.115.121.1.15 )\n"
           "objectclass ( 1.3.6.1.4.1.99999.2 NAME 'mailUser' SUP top AUXILIARY MAY pool )\n"
           "modulepath /usr/lib/ldap\nmoduleload back_mdb\ndatabase mdb\nsuffix dc=example,dc=com\nmaxsize 16777216\n"
           "directory " +
           place_.file("db") +
           "\naccess to attrs=userPassword by dn.exact=\"cn=reader,dc=example,dc=com\" read by anonymous auth by * "
           "none\n"
           "access to * by dn.exact=\"cn=reader,dc=example,dc=com\" read by * none\n";
  }

  Temporary place_;
  std::unique_ptr<Child> server_;
};

}  // namespace postigo
