// Names as octets: what we change of them, and what we see in them.
#include "backends/user_name.h"

#include <gtest/gtest.h>

namespace postigo {
namespace {

TEST(UserName, T76_OnlyWhatIsALetterForSureIsLowered) {
  const std::pair<std::string, std::string> table[] = {
      {"Joe@EXAMPLE.com", "joe@example.com"},
      {"J\xc3\x96RG", "j\xc3\x96rg"},              // UTF-8: ASCII letters only
      {"J\xf6Rg M\xdcLLER", "j\xf6Rg m\xdcLler"},  // Latin-1: the letter behind may be half of a character
      {"\x83\x41\x83\x42X", "\x83\x41\x83\x42x"},  // Shift-JIS: these "A" and "B" are no letters
      {"\xc9\xd7\xc1\xce", "\xc9\xd7\xc1\xce"},    // KOI8-R
      {" A ", " a "},
      {"", ""},
  };
  for (const auto& [name, lowered] : table) EXPECT_EQ(lower_name(name), lowered);
}

TEST(UserName, T76_DomainsStandBehindTheLastAtThatIsOne) {
  struct Row {
    std::string name;
    bool has;
    std::string domain;
  };
  const Row table[] = {
      {"joe", false, ""},
      {"joe@example.com", true, "example.com"},
      {"a@b@c", true, "c"},
      {"joe@", true, ""},
      {"joe@ex\xc3\xa4mple.de", true, "ex\xc3\xa4mple.de"},
      {"jos\xe9", false, ""},
      {"jos\xe9@example.com", true, "example.com"},
      {"\x83\x40", false, ""},  // half of a character
      {"\x83\x40\x83\x42", false, ""},
      {"\x83\x40@example.com", true, "example.com"},
      {"\x83\x40\x83\x42@example.com", true, "example.com"},
  };
  for (const Row& row : table) {
    EXPECT_EQ(has_domain(row.name), row.has) << row.name;
    EXPECT_EQ(domain_of(row.name), row.domain) << row.name;
  }
}

}  // namespace
}  // namespace postigo
