// Where secrets come from, and that they go nowhere else: not into messages, not into the dump.
#include "config/secrets.h"

#include <cstdlib>

#include "config/dump.h"
#include "parser/base/limits.h"
#include "tests/unit/config/support.h"

namespace postigo::config {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kHead = R"([auth.backend_login]
mode = "master_authzid"
master_user = "m"
)";
constexpr std::string_view kTail = R"(
[[directory]]
check_password = true
[[directory.user]]
name = "ann"
password = "{PLAIN}canary-hash"
)";

class SecretsTest : public ConfigTest {
 protected:
  Loaded with(const std::string& line) { return small_and(std::string(kHead) + line + std::string(kTail)); }
  static Bytes password(const Loaded& loaded) { return loaded.config.live.auth.backend_login.master_password.reveal(); }
};

TEST_F(SecretsTest, FromAFileWithoutOneNewline) {
  directory_.write("a", "canary\n");
  directory_.write("b", "canary\r\n");
  directory_.write("c", "canary");
  for (const char* name : {"a", "b", "c"}) {
    Loaded loaded = with(std::string("master_password_file = \"") + name + "\"");
    EXPECT_EQ(joined(loaded), "");
    EXPECT_EQ(password(loaded), "canary");
  }
}

TEST_F(SecretsTest, FromTheEnvironment) {
  ::setenv("POSTIGO_TEST_SECRET", "canary", 1);
  Loaded loaded = with("master_password_env = \"POSTIGO_TEST_SECRET\"");
  EXPECT_EQ(joined(loaded), "");
  EXPECT_EQ(password(loaded), "canary");
  ::unsetenv("POSTIGO_TEST_SECRET");
  EXPECT_THAT(joined(with("master_password_env = \"POSTIGO_TEST_SECRET\"")),
              HasSubstr("there is no environment variable \"POSTIGO_TEST_SECRET\""));
}

TEST_F(SecretsTest, InlineInAFileThatOthersCanRead) {
  std::string text = std::string(kSmall) + std::string(kHead) + "master_password = \"canary\"" + std::string(kTail);
  Loaded loaded = load_file(directory_.write("open.toml", text, 0644));
  EXPECT_TRUE(loaded.ok());
  EXPECT_THAT(joined(loaded),
              HasSubstr("warning: auth.backend_login.master_password: this file can be read by others"));
  EXPECT_EQ(password(loaded), "canary");
  EXPECT_EQ(joined(load_file(directory_.write("closed.toml", text, 0600))), "");
}

TEST_F(SecretsTest, SecretFileThatOthersCanRead) {
  directory_.write("open", "canary", 0640);
  Loaded loaded = with("master_password_file = \"open\"");
  EXPECT_TRUE(loaded.ok());
  EXPECT_THAT(joined(loaded), HasSubstr("can be read by others than its owner"));
}

TEST_F(SecretsTest, Faults) {
  directory_.write("empty", "\n");
  directory_.write("lines", "canary\nmore\n");
  directory_.write("long", std::string(limits::kPasswordMax + 1, 'c'));
  EXPECT_THAT(joined(with("master_password_file = \"empty\"")), HasSubstr("is empty"));
  EXPECT_THAT(joined(with("master_password_file = \"lines\"")), HasSubstr("holds a control character"));
  EXPECT_THAT(joined(with("master_password_file = \"long\"")), HasSubstr("longer than a password may be"));
  EXPECT_THAT(joined(with("master_password_file = \"none\"")), HasSubstr("No such file or directory"));
  EXPECT_THAT(joined(with("master_password_file = \".\"")), HasSubstr("Is a directory"));
  EXPECT_THAT(joined(with("master_password = \"\"")), HasSubstr("is empty"));
  EXPECT_THAT(joined(with("master_password = \"a\"\nmaster_password_env = \"HOME\"")), HasSubstr("write only one of"));
  EXPECT_THAT(joined(with("")), HasSubstr("master_password_file (or master_password_env) must be set"));
}

TEST_F(SecretsTest, NeverInMessagesOrDump) {
  Loaded loaded = with("master_password = \"canary\\nmore\"\nmaster_pasword = \"canary\"");
  EXPECT_FALSE(loaded.ok());
  EXPECT_THAT(joined(loaded), Not(HasSubstr("canary")));
  std::string text = dump(with("master_password = \"canary\"").config);
  EXPECT_THAT(text, Not(HasSubstr("canary")));
  EXPECT_THAT(text, HasSubstr("master_password = \"***\""));
  EXPECT_THAT(text, HasSubstr("password = \"***\""));
}

TEST_F(SecretsTest, SyntaxErrorsBesideASecretDoNotShowIt) {
  EXPECT_THAT(problems("[auth.backend_login]\nmaster_password = \"canary\" oops\n"), Not(HasSubstr("canary")));
  EXPECT_THAT(problems("[auth.backend_login]\nmaster_password = canary\n"), Not(HasSubstr("canary")));
  EXPECT_THAT(problems("[auth.backend_login]\nmaster_password = \"canary\n"), Not(HasSubstr("canary")));
}

TEST(KeptSecretTest, A33_CopiesShareOnePlaceThatNobodyWrites) {
  KeptSecret kept = Secret("canary");
  KeptSecret copy = kept;
  Config config, other;
  config.live.auth.backend_login.master_password = copy;
  other = config;
  EXPECT_EQ(other.live.auth.backend_login.master_password.reveal().data(), kept.reveal().data());
  EXPECT_EQ(kept.reveal(), "canary");
  EXPECT_EQ(reinterpret_cast<uintptr_t>(kept.reveal().data()) % 4096, 0u) << "a page of its own";
  EXPECT_DEATH(const_cast<char*>(kept.reveal().data())[0] = 'x', "");
  EXPECT_TRUE(KeptSecret().empty());
  EXPECT_TRUE(KeptSecret(Secret()).empty());
}

TEST(SecretEnv, A33_TheEnvironmentForgets) {
  ::setenv("POSTIGO_TEST_A", "canary-value", 1);
  ::setenv("POSTIGO_TEST_B", "canary-value-and-more", 1);
  const char* a = ::getenv("POSTIGO_TEST_A");
  KeptSecret kept = Secret("canary-value");
  forget_in_environment(kept);
  auto again = read_secret_env("POSTIGO_TEST_A");
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->reveal().data(), kept.reveal().data()) << "known still, and nowhere else";
  EXPECT_EQ(std::string(a, 12), std::string(12, '\0'));
  EXPECT_STREQ(::getenv("POSTIGO_TEST_B"), "canary-value-and-more");
  ::unsetenv("POSTIGO_TEST_A");
  ::unsetenv("POSTIGO_TEST_B");
}

}  // namespace
}  // namespace postigo::config
