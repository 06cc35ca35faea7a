// Unknown keys, wrong types and wrong words: place, dotted key, a sentence, a suggestion; all of them in one pass.
#include "tests/unit/config/support.h"

namespace postigo::config {
namespace {

using testing::HasSubstr;
using testing::Not;

class ReaderTest : public ConfigTest {
 protected:
  // The one problem of a file that is otherwise in order.
  std::string problem(const std::string& more) {
    Loaded loaded = small_and(more);
    EXPECT_EQ(loaded.problems.size(), 1u) << joined(loaded);
    return joined(loaded);
  }
};

TEST_F(ReaderTest, UnknownKeys) {
  EXPECT_EQ(problem("[server]\n  wrokers = 2\n"),
            "p.toml:13:3: server.wrokers: unknown key (did you mean \"workers\"?)\n");
  EXPECT_EQ(problem("[sever]\nworkers = 2\n"), "p.toml:12:2: sever: unknown key (did you mean \"server\"?)\n");
  EXPECT_EQ(problem("[limits]\nworkers = 2\n"),
            "p.toml:13:1: limits.workers: unknown key here (there is \"server.workers\")\n");
  EXPECT_EQ(problem("[[backend]]\nhost = \"b\"\nbanana = 1\n"), "p.toml:14:1: backend.banana: unknown key\n");
}

TEST_F(ReaderTest, KeysBeforeTheFirstSection) {
  EXPECT_THAT(problems("workers = 2\n" + std::string(kSmall)),
              HasSubstr("p.toml:1:1: workers: unknown key here (there is \"server.workers\")"));
}

TEST_F(ReaderTest, WrongTypes) {
  EXPECT_EQ(problem("[server]\nworkers = 2.5\n"),
            "p.toml:13:11: server.workers: expected a whole number from 1 to 1024 or \"auto\", found a "
            "floating-point number\n");
  EXPECT_EQ(problem("[server]\nworkers = \"many\"\n"),
            "p.toml:13:11: server.workers: expected a whole number from 1 to 1024 or \"auto\", found \"many\"\n");
  EXPECT_THAT(problem("[server]\nqueue_max = 0\n"), HasSubstr("from 1 to 1000000, found 0"));
  EXPECT_THAT(problem("[server]\nhostname = 1\n"), HasSubstr("expected a string, found an integer"));
  EXPECT_THAT(problem("[routing]\nlowercase = \"yes\"\n"), HasSubstr("expected true or false, found a string"));
  EXPECT_THAT(problem("[auth]\nmechanisms = \"PLAIN\"\n"), HasSubstr("expected an array of strings, found a string"));
  EXPECT_THAT(problem("[auth]\nmechanisms = [\"PLAIN\", 1]\n"), HasSubstr("expected a string, found an integer"));
  EXPECT_THAT(problem("[admin]\naddress = 9090\n"), HasSubstr("an address and a port such as"));
  EXPECT_THAT(problem("[[backend]]\nhost = \"b\"\ntls = true\n"),
              HasSubstr("expected a table, as in [backend.tls], found a boolean"));
  EXPECT_THAT(problem("[server]\nhostname = 2026-08-01\n"), HasSubstr("found a date or time"));
}

TEST_F(ReaderTest, TablesAndArraysOfTables) {
  EXPECT_THAT(problem("[tls]\nmin_version = \"1.3\"\n[pool]\nname = \"a\"\n"),
              HasSubstr("pool: expected an array of tables: every one starts with [[pool]], found a table"));
  EXPECT_THAT(problem("[[server]]\n"), HasSubstr("server: expected a table, as in [server], found an array"));
  EXPECT_THAT(problem("directory = [1]\n"), HasSubstr("unknown key"));  // belongs to the backend above it
  EXPECT_THAT(problems("directory = [1]\n" + std::string(kSmall)), HasSubstr("expected a table, found an integer"));
}

TEST_F(ReaderTest, Words) {
  EXPECT_EQ(
      problem("[log]\nformat = \"jsn\"\n"),
      "p.toml:13:10: log.format: expected \"text\", \"json\" or \"logfmt\", found \"jsn\" (did you mean \"json\"?)\n");
  EXPECT_THAT(problem("[log]\nlevel = \"notice\"\n"), Not(HasSubstr("did you mean")));
  EXPECT_THAT(problem("[auth]\nmechanisms = [\"PLAN\"]\n"), HasSubstr("did you mean \"PLAIN\"?"));
  EXPECT_THAT(problem("[auth]\nmechanisms = [\"PLAIN\", \"plain\"]\n"), HasSubstr("stands here twice"));
  EXPECT_THAT(problem("[tls]\nmin_version = \"1.1\"\n"), HasSubstr("expected \"1.2\" or \"1.3\", found \"1.1\""));
  EXPECT_THAT(problem("[[listener]]\nprotocol = \"imaps\"\naddress = \"127.0.0.1:994\"\nname = \"x\"\n"),
              HasSubstr("did you mean \"imap\"?"));
}

TEST_F(ReaderTest, Durations) {
  EXPECT_EQ(problem("[limits]\nlogin_timeout = 60\n"),
            "p.toml:13:17: limits.login_timeout: a duration needs a unit: \"60s\", \"60m\" or \"60h\"?\n");
  EXPECT_THAT(problem("[limits]\nlogin_timeout = \"0s\"\n"), HasSubstr("must be longer than 0"));
  EXPECT_THAT(problem("[limits]\nlogin_timeout = true\n"), HasSubstr("expected a duration"));
  EXPECT_THAT(problem("[limits]\nlogin_timeout = -5\n"), HasSubstr("expected a duration"));
}

TEST_F(ReaderTest, ControlCharacters) {
  EXPECT_THAT(problem("[server]\nhostname = \"a\\u0000b\"\n"), HasSubstr("server.hostname: holds a control character"));
  EXPECT_THAT(problem("[[backend]]\nhost = \"b\"\nname = \"a\\nb\"\n"), HasSubstr("holds a control character"));
  EXPECT_THAT(problem("\"a\\u001bb\" = 1\n"), HasSubstr("a\\x1bb: unknown key"));
}

TEST_F(ReaderTest, Weights) {
  for (const char* weight : {"0", "-1", "0.0", "inf", "nan", "1e300", "9223372036854775807"}) {
    std::string text = std::string("[[pool]]\n[[pool.shard]]\nbackends = [\"10.0.0.1\"]\nweight = ") + weight + "\n";
    EXPECT_THAT(problem(text), HasSubstr("pool.shard.weight: must be a number above 0")) << weight;
  }
}

TEST_F(ReaderTest, PortsOfBackends) {
  EXPECT_THAT(problem("[[backend]]\nhost = \"b\"\nimap_port = 65536\n"), HasSubstr("from 1 to 65535, found 65536"));
  EXPECT_THAT(problem("[[backend]]\nhost = \"b\"\nimap_port = 0\n"), HasSubstr("from 1 to 65535, found 0"));
}

TEST_F(ReaderTest, AllProblemsInFileOrder) {
  EXPECT_EQ(problems_of_small_and("[limits]\nlogin_timeout = 60\nx = 1\n[tls]\nmin_version = \"1.0\"\n"),
            "p.toml:13:17: limits.login_timeout: a duration needs a unit: \"60s\", \"60m\" or \"60h\"?\n"
            "p.toml:14:1: limits.x: unknown key\n"
            "p.toml:16:15: tls.min_version: expected \"1.2\" or \"1.3\", found \"1.0\"\n");
}

}  // namespace
}  // namespace postigo::config
