// The queries that config/DATABASES.md shows, word by word, over tables of the shapes that they are for.
#include <crypt.h>

#include "tests/unit/databases/asking.h"

namespace postigo::databases {
namespace {

std::string hashed(const std::string& phrase, const std::string& setting) {
  crypt_data data{};
  return crypt_r(phrase.c_str(), setting.c_str(), &data);
}

const std::string kSha512 = hashed("secret", "$6$rounds=1000$saltsalt$");
// sha512("secret" "saltsalt") "saltsalt", in base64, as doveadm pw -s SSHA512 writes it.
const std::string kSalted =
    "{SSHA512}aCu7JRc+kLsuEmFs1zTY+AiP7DSGnjjG+dH28Dp+E5usqoAixeT"
    "PihKqZmkWal4mUfp63tqvCAkFV1LKTDFH6XNhbHRzYWx0";
const std::string kSha256 = hashed("secret", "$5$rounds=1000$saltsalt$");

// What stands below a heading.
std::string documented(const std::string& heading) {
  const std::string text = contents(std::string(POSTIGO_SOURCE_DIR) + "/config/DATABASES.md");
  const std::string fence = "```sql\n";
  const size_t begin = text.find(fence, text.find("\n### " + heading + "\n"));
  if (begin == std::string::npos) throw std::runtime_error(heading + " is not documented");
  const size_t end = text.find("```", begin + fence.size());
  return text.substr(begin + fence.size(), end - begin - fence.size());
}

class Schemas : public Asking {
 protected:
  void make(const std::string& table, const std::string& columns, const std::vector<std::string>& rows) {
    database().run("DROP TABLE IF EXISTS " + table);
    database().run("CREATE TABLE " + table + " (" + columns + ")");
    for (const std::string& row : rows) database().run("INSERT INTO " + table + " VALUES (" + row + ")");
  }
  // What every shape has: one who may, one who may not, and nobody else.
  void expect_users() {
    EXPECT_EQ(ask("joe@example.com").verdict, Verdict::ok) << ask("joe@example.com").detail;
    EXPECT_EQ(ask("joe@example.com", "wrong").verdict, Verdict::bad_credentials);
    EXPECT_EQ(ask("off@example.com").verdict, Verdict::disabled);
    EXPECT_EQ(ask("off@example.com", "wrong").verdict, Verdict::bad_credentials);
    for (const char* name : {"eve@example.com", "joe", "joe@example.org", "@example.com", "' OR 1=1 --"}) {
      EXPECT_EQ(ask(name).verdict, Verdict::no_such_user) << name;
    }
  }
};

TEST_P(Schemas, Postfixadmin) {
  const std::string yes = is_postgresql() ? "TRUE" : "1", no = is_postgresql() ? "FALSE" : "0";
  const std::string flag = is_postgresql() ? "boolean" : "tinyint(1)";
  make("domain", "domain varchar(255) NOT NULL PRIMARY KEY, description varchar(255), active " + flag + " NOT NULL",
       {"'example.com', 'ours', " + yes, "'closed.example', 'closed', " + no});
  auto user = [](const std::string& name, const std::string& domain, const std::string& active) {
    return "'" + name + "@" + domain + "', '{SHA512-CRYPT}" + kSha512 + "', '', '', 0, '" + name + "', '" + domain +
           "', " + active;
  };
  make("mailbox",
       "username varchar(255) NOT NULL PRIMARY KEY, password varchar(255) NOT NULL, name varchar(255),"
       " maildir varchar(255), quota bigint, local_part varchar(255), domain varchar(255) NOT NULL, active " +
           flag + " NOT NULL",
       {user("joe", "example.com", yes), user("off", "example.com", no), user("joe", "closed.example", yes)});
  open(documented("postfixadmin"));
  expect_users();
  EXPECT_EQ(ask("joe@closed.example").verdict, Verdict::disabled);
}

TEST_P(Schemas, DovecotsGuide) {
  make("users",
       "username VARCHAR(128) NOT NULL, domain VARCHAR(128) NOT NULL, password VARCHAR(128) NOT NULL, home VARCHAR(255)"
       " NOT NULL, uid INTEGER NOT NULL, gid INTEGER NOT NULL, active CHAR(1) DEFAULT 'Y' NOT NULL",
       {"'joe', 'example.com', '{SHA256-CRYPT}" + kSha256 + "', '/h', 1, 1, 'Y'",
        "'off', 'example.com', '{PLAIN}secret', '/h', 1, 1, 'N'"});
  open(documented("Dovecot's SQL guide"));
  expect_users();
}

TEST_P(Schemas, Iredmail) {
  make("mailbox",
       "username VARCHAR(255) NOT NULL PRIMARY KEY, password VARCHAR(255) NOT NULL DEFAULT '', storagebasedirectory"
       " VARCHAR(255) NOT NULL DEFAULT '/var/vmail', storagenode VARCHAR(255) NOT NULL DEFAULT 'vmail1', quota BIGINT,"
       " domain VARCHAR(255), enableimapsecured SMALLINT NOT NULL DEFAULT 1, active SMALLINT NOT NULL DEFAULT 1",
       {"'joe@example.com', '" + kSalted + "', '/var/vmail', 'vmail2', 0, 'example.com', 1, 1",
        "'off@example.com', '{SHA512-CRYPT}" + kSha512 + "', '/var/vmail', 'vmail1', 0, 'example.com', 1, 0",
        "'pop@example.com', '{SHA512-CRYPT}" + kSha512 + "', '/var/vmail', 'vmail1', 0, 'example.com', 0, 1"});
  open(documented("iRedMail"));
  expect_users();
  EXPECT_EQ(ask("joe@example.com").identity.shard, "vmail2");
  EXPECT_EQ(ask("pop@example.com").verdict, Verdict::disabled);
}

TEST_P(Schemas, Ispconfig) {
  if (is_postgresql()) return;  // it has MySQL
  make("server", "server_id int unsigned NOT NULL PRIMARY KEY, server_name varchar(255) NOT NULL",
       {"1, 'mail1.example.com'", "2, 'mail2.example.com'"});
  auto user = [](const std::string& name, int server, const std::string& disabled) {
    return "NULL, " + std::to_string(server) + ", '" + name + "', '" + name + "', '" + kSha512 + "', 'y', '" +
           disabled + "', 'n'";
  };
  make("mail_user",
       "mailuser_id int unsigned NOT NULL auto_increment PRIMARY KEY, server_id int unsigned NOT NULL, email"
       " varchar(255) NOT NULL, login varchar(255) NOT NULL, password varchar(255) NOT NULL, postfix enum('n','y') NOT"
       " NULL, disableimap enum('n','y') NOT NULL DEFAULT 'n', disablepop3 enum('n','y') NOT NULL DEFAULT 'n'",
       {user("joe@example.com", 2, "n"), user("off@example.com", 1, "y")});
  open(documented("ISPConfig"));
  expect_users();
  EXPECT_EQ(ask("joe@example.com").identity.shard, "mail2.example.com");
}

INSTANTIATE_TEST_SUITE_P(Databases, Schemas, testing::Values(&postgresql, &mariadb), database_name);

}  // namespace
}  // namespace postigo::databases
