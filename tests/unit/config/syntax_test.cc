// What is told when the file is not TOML: the mistake, its place, and nothing that stands in the line.
#include "tests/unit/config/support.h"

namespace postigo::config {
namespace {

using testing::HasSubstr;

class SyntaxTest : public ConfigTest {};

// The parser's words are about characters; what the person did is told before them.
TEST_F(SyntaxTest, ErrorsSayWhatWasProbablyMeant) {
  struct {
    const char *text, *said;
  } cases[] = {
      {"[server]\nhostname = \"mail\nworkers = 1\n", "p.toml:2:17: syntax: a quote is missing in this line"},
      {"[server]\nhostname = mail\"\n", "p.toml:2:12: syntax: a quote is missing in this line"},
      {"[auth]\nmechanisms = [\"PLAIN\", \"LOGIN]\n", "syntax: a quote is missing in this line"},
      {"[server]\nhostname = 'mail\n", "syntax: a quote is missing in this line"},
      {"[server]\nhostname = mail\n", "syntax: text, durations and sizes stand between quotes"},
      {"[limits]\nlogin_timeout = 60s\n", "p.toml:2:19: syntax: text, durations and sizes stand between quotes"},
      {"[log]\nfile = \"C:\\postigo\"\n", "syntax: a backslash in a value"},
      {"[server\nworkers = 1\n", "syntax: a bracket is missing"},
      {"[[listener]\n", "syntax: a bracket is missing"},
      {"[log]\n[log]\n", "p.toml:2:1: syntax: this table stands in the file already"},
      {"[server]\nworkers = 1\nworkers = 2\n", "syntax: this key stands in its table already"},
      {"[server]\nworkers =\n", "syntax: a value is missing behind \"=\""},
      {"[server]\nworkers: 1\n", "syntax: expected key = value"},
      {"listener imap {\n", "syntax: expected key = value"},
      {"[routing]\nlowercase = True\n", "syntax: expected true or false, in lower case"},
      {"[auth]\nmechanisms = [\"PLAIN\" \"LOGIN\"]\n", "syntax: a bracket or a comma is missing in a list"},
      {"[auth]\nmechanisms = [\"PLAIN\",\n", "syntax: a bracket or a comma is missing in a list"},
      {"[server]\nhostname = \"a\" \"b\"\n", "syntax: nothing but a comment may follow a value"},
  };
  for (const auto& each : cases) EXPECT_THAT(problems(each.text), HasSubstr(each.said)) << each.text;
}

TEST_F(SyntaxTest, A33_AnErrorShowsNothingOfTheLine) {
  for (const char* value :
       {"canary\"", "\"canary", "'canary", "\"canary\" canary", "canary", "[\"canary", "\"\\canary\""}) {
    EXPECT_THAT(problems(std::string("[auth.backend_login]\nmaster_password = ") + value + "\n"),
                testing::Not(HasSubstr("canary")))
        << value;
  }
}

}  // namespace
}  // namespace postigo::config
