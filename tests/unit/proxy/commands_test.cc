// The command line from its arguments to streams and exit codes. What serve does is for the e2e tests.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parser/base/limits.h"
#include "tests/unit/proxy/command_line.h"

namespace postigo {
namespace {

using commands::kBadConfiguration;
using commands::kFailed;
using commands::kOk;
using commands::kUsage;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kConfiguration = R"([[listener]]
protocol = "imap"
address = "127.0.0.1:1143"
tls = "off"
plaintext_login = true
[[backend]]
name = "a"
host = "10.0.0.1"
[[backend]]
name = "b"
host = "2001:db8::2"
tls = "implicit"
[[backend]]
name = "c"
host = "10.0.0.3"
imap_port = 143
[[pool]]
name = "main"
[[pool.shard]]
name = "left"
backends = ["a", "b"]
[[pool.shard]]
name = "right"
backends = ["c"]
[[routing.rule]]
user = "ann"
shard = "left"
)";

class CommandLine : public CommandLineFixture {
 protected:
  CommandLine() { write(std::string(kConfiguration)); }
};

TEST_F(CommandLine, HelpForEverything) {
  for (std::vector<const char*> words : std::vector<std::vector<const char*>>{
           {}, {"serve"}, {"check"}, {"route"}, {"version"}, {"user"}, {"user", "add"}, {"user", "import"}}) {
    words.push_back("--help");
    EXPECT_EQ(run(words), kOk);
    EXPECT_THAT(out_, HasSubstr("Usage: postigo"));
    EXPECT_THAT(out_, HasSubstr("Exit codes: 0 done"));
    EXPECT_EQ(err_, "");
  }
}

TEST_F(CommandLine, Mistakes) {
  for (std::vector<const char*> words :
       std::vector<std::vector<const char*>>{{},
                                             {"chekc"},
                                             {"route"},
                                             {"check", "-c"},
                                             {"serve", "--nonsense"},
                                             {"user"},
                                             {"user", "add"},
                                             {"route", "ann", "--protocol", "smtp"},
                                             {"user", "add", "x", "--password", "--password-stdin"},
                                             {"user", "add", "x", "--disabled", "--enabled"}}) {
    EXPECT_EQ(run(words), kUsage);
    EXPECT_NE(err_, "");
    EXPECT_EQ(out_, "");
  }
  run({"chekc"});
  EXPECT_THAT(err_, HasSubstr("There is no command \"chekc\" (did you mean \"check\"?)"));
}

TEST_F(CommandLine, Version) {
  EXPECT_EQ(run({"version"}), kOk);
  EXPECT_THAT(out_, testing::ContainsRegex("postigo [0-9]+\\.[0-9]+\\.[0-9]+\nBoringSSL .+\nlibuv [0-9]"));
}

TEST_F(CommandLine, HabitsFromOtherServers) {
  EXPECT_EQ(run({"version"}), kOk);
  std::string version = out_;
  for (const char* flag : {"-v", "-V", "--version"}) {
    EXPECT_EQ(run({flag}), kOk) << flag;
    EXPECT_EQ(out_, version) << flag;
  }
  EXPECT_EQ(on({"-t"}), kOk) << err_;
  EXPECT_THAT(out_, HasSubstr("p.toml: ok ("));
  write("[server]\nwrokers = 1\n");
  EXPECT_EQ(on({"-t"}), kBadConfiguration);
  EXPECT_THAT(err_, HasSubstr("did you mean \"workers\"?"));
  EXPECT_EQ(run({}), kUsage);
  EXPECT_EQ(on({}), kUsage);
  EXPECT_THAT(err_, HasSubstr("A command is required"));
}

TEST_F(CommandLine, Check) {
  EXPECT_EQ(on({"check"}), kOk) << err_;
  EXPECT_EQ(out_, file() + ": ok (1 listener, 3 backends, 1 pool with 2 shards, 1 rule, 0 directories)\n");
  EXPECT_EQ(err_, "");
}

TEST_F(CommandLine, CheckTellsAllProblems) {
  write(std::string(kConfiguration) + "wrokers = 1\n[limits]\nlogin_timeout = 60\n");
  EXPECT_EQ(on({"check"}), kBadConfiguration);
  EXPECT_EQ(out_, "");
  EXPECT_THAT(err_, HasSubstr("p.toml:28:1: routing.rule.wrokers: unknown key"));
  EXPECT_THAT(err_, HasSubstr("p.toml:30:17: limits.login_timeout: a duration needs a unit"));
  EXPECT_EQ(run({"check", "-c", "/nonexistent/p.toml"}), kBadConfiguration);
  EXPECT_EQ(err_, "/nonexistent/p.toml: cannot open it: No such file or directory\n");
}

TEST_F(CommandLine, CheckGivesForeignFindingsTheirPlace) {
  write(std::string(kConfiguration) + "[[routing.rule]]\nregex = \"(x\"\npool = \"main\"\n");
  EXPECT_EQ(on({"check"}), kBadConfiguration);
  EXPECT_THAT(err_, HasSubstr("p.toml:29:9: routing.rule.regex: "));
  std::ofstream(folder_ / "c.pem") << "no certificate";
  ::chmod((folder_ / "c.pem").c_str(), 0600);
  write(std::string(kConfiguration) + "[[tls.certificate]]\ncertificate = \"c.pem\"\n[tls]\nciphers = \"NONE\"\n");
  EXPECT_EQ(on({"check"}), kBadConfiguration);
  EXPECT_THAT(err_, HasSubstr("p.toml:29:15: tls.certificate.certificate: "));
  write(std::string(kConfiguration) + std::string(kSqlite));
  EXPECT_EQ(on({"check"}), kBadConfiguration);
  EXPECT_THAT(err_, HasSubstr("`postigo user add` or `import` makes it"));
}

TEST_F(CommandLine, CheckConnects) {
  write(R"([[listener]]
protocol = "imap"
address = "127.0.0.1:1143"
tls = "off"
plaintext_login = true
[[backend]]
name = "gone"
host = "127.0.0.1"
imap_port = 1
[[pool]]
name = "main"
backends = ["gone"]
[[directory]]
name = "few"
[[directory.user]]
name = "ann"
)");
  EXPECT_EQ(on({"check"}), kOk) << err_;
  EXPECT_EQ(on({"check", "--connect"}), kFailed);
  EXPECT_THAT(out_, HasSubstr("FAIL backend gone: imap 127.0.0.1:1: "));
  EXPECT_THAT(out_, testing::ContainsRegex("ok   directory few: static \\(answers, [0-9]+ ms\\)\n"));
  EXPECT_THAT(err_, testing::ContainsRegex("p.toml:6:[0-9]+: warning: backend: imap 127.0.0.1:1: "));
  EXPECT_EQ(on({"check", "--connect", "--json"}), kFailed);
  EXPECT_THAT(out_, HasSubstr("\"what\": \"backend gone\""));
  EXPECT_EQ(on({"check", "--json"}), kUsage) << "there is nothing to be told so";
}

TEST_F(CommandLine, CheckDumps) {
  EXPECT_EQ(on({"check", "--dump"}), kOk);
  EXPECT_THAT(out_, HasSubstr("[server]\nhostname = "));
  EXPECT_THAT(out_, HasSubstr("[[pool.shard]]\nname = \"left\"\n"));
  write(out_);
  std::string first = out_;
  EXPECT_EQ(on({"check", "--dump"}), kOk) << err_;
  EXPECT_EQ(out_, first);
}

TEST_F(CommandLine, RouteExplains) {
  EXPECT_EQ(on({"route", "Ann"}), kOk) << err_;
  EXPECT_THAT(out_, HasSubstr("user:      ann\nprotocol:  imap\ndirectory: none configured\npool:      main\n"));
  EXPECT_THAT(out_, HasSubstr("shard:     left\nreason:    rule 1"));
  EXPECT_THAT(out_, HasSubstr("backend:   a (10.0.0.1:143, clear text)\nthen:      b ([2001:db8::2]:993, TLS)\n"));
  EXPECT_EQ(on({"route", "somebody"}), kOk);
  EXPECT_THAT(out_, HasSubstr("hash"));
}

TEST_F(CommandLine, RouteAsksTheDirectories) {
  write(std::string(kConfiguration) + R"([auth]
accept_unknown = true
[[directory]]
name = "few"
[[directory.user]]
name = "bob"
shard = "right"
backend_user = "b1"
[[directory.user]]
name = "carol"
disabled = true
[[directory.user]]
name = "@example.com"
shard = "left"
)");
  EXPECT_EQ(on({"route", "bob"}), kOk) << err_;
  EXPECT_THAT(out_, HasSubstr("directory: few (user)\npool:      main\nshard:     right\n"));
  EXPECT_THAT(out_, HasSubstr("there as:  b1\n"));
  EXPECT_EQ(on({"route", "dan@Example.com"}), kOk);
  EXPECT_THAT(out_, HasSubstr("directory: few (domain)\npool:      main\nshard:     left\n"));
  EXPECT_EQ(on({"route", "carol"}), kFailed);
  EXPECT_THAT(out_, HasSubstr("refused: disabled"));
  EXPECT_EQ(on({"route", "nobody"}), kOk);
  EXPECT_THAT(out_, HasSubstr("unknown to all, accepted"));
  EXPECT_EQ(on({"route", "bob", "--protocol", "pop3"}), kFailed);  // "c" serves IMAP only
  EXPECT_THAT(err_, HasSubstr("postigo: "));
}

TEST_F(CommandLine, LifeOfAUser) {
  write(std::string(kConfiguration) + std::string(kSqlite));
  EXPECT_EQ(on({"user", "add", "Ann", "--password-stdin"}, "canary one\n"), kOk) << err_;
  EXPECT_EQ(out_, "added ann\n");
  EXPECT_EQ(on({"user", "add", "ann", "--password-stdin"}, "canary\n"), kFailed);
  EXPECT_EQ(on({"user", "add", "bob", "--no-password", "--shard", "right"}), kOk) << err_;
  EXPECT_EQ(on({"user", "add", "eve", "--no-password", "--shard", "middle"}), kFailed);
  EXPECT_THAT(err_, HasSubstr("middle"));
  EXPECT_EQ(on({"user", "add", "@Example.com", "--shard", "left"}), kOk) << err_;  // asks for no password
  EXPECT_EQ(on({"user", "list"}), kOk);
  EXPECT_THAT(out_, testing::ContainsRegex("ann +ARGON2ID +- +- +- +active"));
  EXPECT_THAT(out_, testing::ContainsRegex("bob +- +- +right +- +active"));
  EXPECT_EQ(on({"check"}), kOk) << err_;
  EXPECT_EQ(on({"route", "bob"}), kOk);
  EXPECT_THAT(out_, HasSubstr("shard:     right\nreason:    directory\n"));
  EXPECT_EQ(on({"route", "dan@example.com"}), kFailed);  // a domain vouches for no password
  EXPECT_EQ(on({"user", "set", "bob", "--disabled", "--shard", ""}), kOk) << err_;
  EXPECT_EQ(on({"user", "list"}), kOk);
  EXPECT_THAT(out_, testing::ContainsRegex("bob +- +- +- +- +disabled"));
  EXPECT_EQ(on({"user", "set", "nobody", "--enabled"}), kFailed);
  EXPECT_EQ(on({"user", "del", "BOB"}), kOk);
  EXPECT_EQ(on({"user", "del", "bob"}), kFailed);
}

TEST_F(CommandLine, PasswordsThatCannotBe) {
  write(std::string(kConfiguration) + std::string(kSqlite));
  EXPECT_EQ(on({"user", "add", "ann", "--password-stdin"}, ""), kFailed);
  EXPECT_THAT(err_, HasSubstr("the password is empty"));
  EXPECT_EQ(on({"user", "add", "ann", "--password-stdin"}, "canary\x01\n"), kFailed);
  EXPECT_EQ(on({"user", "add", "ann", "--password-stdin"}, std::string(limits::kPasswordMax + 1, 'x')), kFailed);
}

TEST_F(CommandLine, Import) {
  write(std::string(kConfiguration) + std::string(kSqlite));
  EXPECT_EQ(on({"user", "import", "-"}, "# people\nAnn:{PLAIN}canary\nbob:{PLAIN}canary:main:right\n"), kOk) << err_;
  EXPECT_EQ(out_, "2 added, 0 replaced\n");
  EXPECT_EQ(on({"user", "import", "-"}, "ann:{PLAIN}canary\n"), kFailed);
  EXPECT_EQ(on({"user", "import", "-", "--replace"}, "ann:{PLAIN}canary\n"), kOk);
  EXPECT_EQ(out_, "0 added, 1 replaced\n");
  EXPECT_EQ(on({"user", "import", "-"}, "eve:{NONSENSE}canary\ndan:{PLAIN}canary:main:middle\n"), kFailed);
  EXPECT_THAT(err_, HasSubstr("standard input:1: "));
  EXPECT_THAT(err_, HasSubstr("standard input:2: "));
  EXPECT_THAT(err_, HasSubstr("nothing was imported"));
  EXPECT_EQ(on({"user", "import", "/nonexistent"}), kFailed);
}

TEST_F(CommandLine, UsersNeedASqliteDirectory) {
  EXPECT_EQ(on({"user", "list"}), kFailed);
  EXPECT_THAT(err_, HasSubstr("no [[directory]] of type \"sqlite\""));
  write(std::string(kConfiguration) + std::string(kSqlite) +
        "[[directory]]\nname = \"more\"\ntype = \"sqlite\"\npath = \"more.db\"\n");
  EXPECT_EQ(on({"user", "list"}), kFailed);
  EXPECT_THAT(err_, HasSubstr("say with --directory which one: \"sqlite\" or \"more\""));
  EXPECT_EQ(on({"user", "add", "ann", "--directory", "more"}), kOk) << err_;  // the backend checks: nothing is asked
  EXPECT_EQ(on({"user", "list", "--directory", "mroe"}), kFailed);
  EXPECT_THAT(err_, HasSubstr("did you mean \"more\"?"));
}

TEST_F(CommandLine, ServeRefusesABadConfiguration) {
  write("[[listener]]\nprotocol = \"smtp\"\n");
  EXPECT_EQ(on({"serve"}), kBadConfiguration);
  EXPECT_THAT(err_, HasSubstr("p.toml:2:12: listener.protocol: expected \"imap\" or \"pop3\", found \"smtp\""));
}

}  // namespace
}  // namespace postigo
