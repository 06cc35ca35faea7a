// What a directory in a SQL database may not contradict.
#include "tests/unit/config/support.h"

namespace postigo::config {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kSqlMaster =
    "[auth.backend_login]\nmode = \"master_authzid\"\nmaster_user = \"m\"\nmaster_password = \"p\"\n";

class CheckSql : public ConfigTest {
 protected:
  std::string said(bool check_password, const std::string& own) {
    return joined(small_and(std::string(kSqlMaster) + "[[directory]]\ntype = \"mysql\"\nservers = [\"127.0.0.1\"]\n" +
                            (check_password ? "check_password = true\n" : "") +
                            "[directory.sql]\ndatabase = \"mail\"\nquery = \"SELECT 1\"\n" + own));
  }
};

TEST_F(CheckSql, PasswordsForProgramsAreOursToCheck) {
  const std::string programs = "app_passwords = \"SELECT 1\"\n", used = "used = \"UPDATE a\"\n";
  EXPECT_THAT(said(true, programs + used), IsEmpty());
  EXPECT_THAT(said(false, programs), HasSubstr("directory.sql.app_passwords: needs check_password = true"));
  EXPECT_THAT(said(true, used), HasSubstr("directory.sql.used: needs sql.app_passwords"));
}

}  // namespace
}  // namespace postigo::config
