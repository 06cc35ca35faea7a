// example.toml and README.md tell the truth: the example loads without a word of complaint and names every key, the
// tables of the README are those of the schema. With POSTIGO_REWRITE_DOCS=1 the README is brought up to date.
#include "config/docs.h"

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/unit/config/support.h"

namespace postigo::config {
namespace {

using testing::HasSubstr;

const std::string kFolder = std::string(POSTIGO_SOURCE_DIR) + "/config/";
constexpr std::string_view kBegin = "<!-- keys: generated from schema.cc -->\n";
constexpr std::string_view kEnd = "<!-- end of keys -->";

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

class DocsTest : public ConfigTest {};

TEST_F(DocsTest, TheExampleLoadsWithoutAnyProblem) {
  for (const char* file : {"tls/mail.example.com.pem", "tls/mail.example.com-rsa.pem", "tls/mail.example.org.pem",
                           "tls/internal-ca.pem", "tls/proxy-client.pem", "tls/users-ca.pem", "tls/users-crl.pem"}) {
    directory_.write(file, "x", 0644);
  }
  for (const char* file : {"tls/mail.example.com.key", "tls/mail.example.com-rsa.key", "tls/mail.example.org.key",
                           "tls/proxy-client.key"}) {
    directory_.write(file, "x");
  }
  directory_.write("master-password", "secret\n");
  directory_.write("policy.secret", "secret\n");
  directory_.write("policy.nonce", "salt\n");
  directory_.write("probe.password", "secret\n");
  directory_.write("db.password", "secret\n");
  directory_.write("ldap.password", "secret\n");
  directory_.write("dashboard.token", "0123456789abcdef0123456789abcdef\n");
  EXPECT_EQ(problems(read(kFolder + "example.toml")), "");
}

// "key = ..." under the right header, or the same behind a "#" (a default, or one of several forms).
TEST_F(DocsTest, TheExampleNamesEveryKey) {
  std::set<std::string> seen;
  std::string section;
  std::istringstream lines(read(kFolder + "example.toml"));
  for (std::string line; std::getline(lines, line);) {
    size_t begin = line.find_first_not_of("# ");
    if (begin == std::string::npos) continue;
    line = line.substr(begin);
    if (line[0] == '[')
      section = line.substr(line.find_first_not_of('['), line.find(']') - line.find_first_not_of('['));
    seen.insert(section);
    size_t equals = line.find(" = ");
    if (equals != std::string::npos) seen.insert(section + '.' + line.substr(0, equals));
  }
  for (const KeyDoc& key : keys()) {
    auto place = seen.lower_bound(key.path);  // the key, or for a table something in it
    EXPECT_TRUE(place != seen.end() && (*place == key.path || place->starts_with(key.path + '.')))
        << "config/example.toml does not mention " << key.path;
  }
}

TEST_F(DocsTest, TheReadmeHasTheTablesOfTheSchema) {
  std::string readme = read(kFolder + "README.md");
  size_t begin = readme.find(kBegin), end = readme.find(kEnd);
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  begin += kBegin.size();
  if (std::getenv("POSTIGO_REWRITE_DOCS") != nullptr) {
    std::ofstream(kFolder + "README.md", std::ios::binary) << readme.substr(0, begin) << markdown() << '\n'
                                                           << readme.substr(end);
    return;
  }
  EXPECT_EQ(readme.substr(begin, end - begin), markdown() + '\n')
      << "run this test with POSTIGO_REWRITE_DOCS=1 to bring README.md up to date";
}

TEST_F(DocsTest, EveryKeyHasASentence) {
  for (const KeyDoc& key : keys()) {
    EXPECT_GT(key.doc.size(), 3u) << key.path;
    EXPECT_NE(key.doc.back(), '.') << key.path;
  }
}

}  // namespace
}  // namespace postigo::config
