// Base64 both ways, with the vectors of RFC 4648 10, and all that must be refused (T16).
#include "parser/base/base64.h"

#include <gtest/gtest.h>

#include <random>

namespace postigo {
namespace {

TEST(Base64, Rfc4648Examples) {
  const std::pair<Bytes, Bytes> examples[] = {{"", ""},
                                              {"f", "Zg=="},
                                              {"fo", "Zm8="},
                                              {"foo", "Zm9v"},
                                              {"foob", "Zm9vYg=="},
                                              {"fooba", "Zm9vYmE="},
                                              {"foobar", "Zm9vYmFy"}};
  for (auto [octets, text] : examples) {
    EXPECT_EQ(base64_encode(octets), text);
    ASSERT_TRUE(base64_decode(text));
    EXPECT_EQ(base64_decode(text)->reveal(), octets);
  }
}

TEST(Base64, T16_NothingButTheRealThing) {
  for (Bytes text : {"Z",     "Zg",    "Zg=",    "Zg===", "====", "=",          "Zm9v=", "Z===", "Zg==Zg==", "Zm 9",
                     " Zm9v", "Zm9v ", "Zm9v\n", "Zm9-",  "Zm9_", "Zm\xc3\xa4", "Zh==",  "Zm9=", "Z=g=",     "=Zg="}) {
    EXPECT_FALSE(base64_decode(text)) << text;
  }
  EXPECT_FALSE(base64_decode(Bytes("Zm\0v", 4)));
}

TEST(Base64, RoundTrip) {
  std::mt19937 random(1);
  for (size_t size = 0; size < 300; ++size) {
    std::string octets(size, '\0');
    for (char& c : octets) c = static_cast<char>(random());
    std::optional<Secret> back = base64_decode(base64_encode(octets));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->reveal(), octets);
  }
}

}  // namespace
}  // namespace postigo
