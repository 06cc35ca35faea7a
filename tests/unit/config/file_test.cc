// What is wrong with the file itself is one clear line, whatever the file is.
#include <filesystem>

#include "tests/unit/config/support.h"

namespace postigo::config {
namespace {

using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

class FileTest : public ConfigTest {
 protected:
  std::string only_problem(const std::string& path) {
    Loaded loaded = load_file(path);
    EXPECT_FALSE(loaded.ok());
    EXPECT_THAT(loaded.problems, SizeIs(1));
    return joined(loaded);
  }
};

TEST_F(FileTest, Loads) {
  std::string path = directory_.write("postigo.toml", kSmall);
  Loaded loaded = load_file(path);
  EXPECT_EQ(joined(loaded), "");
  EXPECT_EQ(loaded.config.live.tls.certificates[0].key_file, directory_.path() + "/key.pem");
}

TEST_F(FileTest, RelativePathOfTheFileItself) {
  directory_.write("postigo.toml", kSmall);
  auto before = std::filesystem::current_path();
  std::filesystem::current_path(directory_.path());
  Loaded loaded = load_file("postigo.toml");
  std::filesystem::current_path(before);
  EXPECT_EQ(joined(loaded), "");
  EXPECT_TRUE(loaded.config.live.tls.certificates[0].key_file.starts_with('/'));
}

TEST_F(FileTest, Missing) {
  EXPECT_EQ(only_problem(directory_.path() + "/none.toml"),
            directory_.path() + "/none.toml: cannot open it: No such file or directory\n");
}

TEST_F(FileTest, IsADirectory) { EXPECT_THAT(only_problem(directory_.path()), HasSubstr("this is a directory")); }

TEST_F(FileTest, TenMegabytesOfGarbage) {
  std::string garbage(10 << 20, '\0');
  for (size_t i = 0; i < garbage.size(); ++i) garbage[i] = static_cast<char>((i * 2654435761u) >> 13);
  EXPECT_THAT(only_problem(directory_.write("a.toml", garbage)), HasSubstr("is it a configuration file?"));
}

TEST_F(FileTest, TenMegabytesOfLetters) {
  EXPECT_THAT(only_problem(directory_.write("a.toml", std::string(10 << 20, 'x'))), HasSubstr("syntax: "));
}

TEST_F(FileTest, LargerThanAnyConfiguration) {
  EXPECT_THAT(only_problem(directory_.write("a.toml", std::string(33 << 20, '#'))), HasSubstr("larger than 32 MB"));
}

TEST_F(FileTest, NotUtf8) {
  EXPECT_THAT(only_problem(directory_.write("a.toml", "# ok\n# caf\xe9\n")),
              HasSubstr("a.toml:2:1: this is not UTF-8"));
}

TEST_F(FileTest, SyntaxErrorsHaveTheirPlace) {
  EXPECT_THAT(problems("[server]\nhostname = \n"), StartsWith("p.toml:2:"));
  EXPECT_THAT(problems("[server]\nworkers = 1\nworkers = 2\n"), StartsWith("p.toml:3:"));
  EXPECT_THAT(problems("[server\n"), StartsWith("p.toml:1:"));
}

TEST_F(FileTest, DepthThatWouldEndTheStack) {
  std::string dots;
  for (int i = 0; i < 1000000; ++i) dots += "a.";
  EXPECT_THAT(problems(dots + "a = 1\n"), HasSubstr("nested too deeply"));
  EXPECT_THAT(problems("[" + dots + "a]\n"), HasSubstr("nested too deeply"));
  EXPECT_FALSE(load("x = " + std::string(1000000, '[')).ok());
}

TEST_F(FileTest, EmptyFileSaysWhatIsMissing) {
  EXPECT_EQ(problems(""),
            "p.toml: there is no [[listener]]: add one with protocol and address\n"
            "p.toml: there is no [[backend]]: add one with host\n");
}

TEST_F(FileTest, TooManyProblemsAreCounted) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "k" + std::to_string(i) + " = 1\n";
  Loaded loaded = load(text);
  EXPECT_THAT(loaded.problems, SizeIs(201));
  EXPECT_THAT(to_string(loaded.problems.back()), HasSubstr("and 802 more problems"));
}

TEST_F(FileTest, ManyStaticUsers) {
  std::string text(kSmall);
  text += "[[directory]]\n";
  for (int i = 0; i < 20000; ++i) text += "[[directory.user]]\nname = \"user" + std::to_string(i) + "@example.com\"\n";
  Loaded loaded = load(text);
  EXPECT_EQ(joined(loaded), "");
  EXPECT_THAT(loaded.config.live.auth.directories[0].users, SizeIs(20000));
}

}  // namespace
}  // namespace postigo::config
