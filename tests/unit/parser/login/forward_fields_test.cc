// Fields for a backend's passdb: what passes, how Dovecot packs them, and that none can be two.
#include "parser/login/forward_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parser/base/base64.h"

namespace postigo {
namespace {

using Fields = std::vector<ForwardField>;

Fields decoded(Bytes list) {
  Fields fields;
  EXPECT_TRUE(decode_forward(base64_encode(list), fields));
  return fields;
}

TEST(ForwardFields, AsDovecotPacksThem) {
  const Fields fields = {{"uid", "0"}, {"a.b-c_D", "one two=3"}, {"odd", "\t\r\n\001x"}, {"empty", ""}};
  const std::string list = "uid=0\ta.b-c_D=one two=3\todd=\001t\001r\001n\0011x\tempty=";
  EXPECT_EQ(decoded(list), fields);
  EXPECT_EQ(encode_forward(fields, 1000), base64_encode(list));
  EXPECT_EQ(decoded("a=\001"), (Fields{{"a", "\001"}})) << "an escape of nothing is an octet";
  EXPECT_EQ(decoded("a=\001q"), (Fields{{"a", "q"}}));
  EXPECT_EQ(decoded(""), Fields{});
}

TEST(ForwardFields, A4_WhatIsStrangeIsLeftOut) {
  for (const char* list : {"=x", "noequals", "a b=1", "a\001tb=1", "\xc3\xa4=1", "a\"=1", "\t\t", "a=\0010"}) {
    EXPECT_EQ(decoded(list), Fields{}) << list;
  }
  EXPECT_EQ(decoded("a=1\t=2\tA=3\tb=4\t"), (Fields{{"a", "1"}, {"b", "4"}})) << "the first of a name counts";
  Fields fields;
  for (const char* text : {"x", "YQ=", "YQ==YQ==", "YQ\r\n"}) EXPECT_FALSE(decode_forward(text, fields)) << text;
  EXPECT_EQ(fields, Fields{});
}

TEST(ForwardFields, AreBounded) {
  Fields fields;
  add_forward_field(fields, std::string(21, 'n'), "x");
  add_forward_field(fields, "n", std::string(961, 'x'));
  add_forward_field(fields, "n", Bytes("a\0b", 3));
  EXPECT_EQ(fields, Fields{});
  for (int i = 0; i < 100; ++i) add_forward_field(fields, "n" + std::to_string(i), "x");
  EXPECT_EQ(fields.size(), 16u);
  fields.clear();
  for (int i = 0; i < 16; ++i) add_forward_field(fields, "n" + std::to_string(i), std::string(400, '\t'));
  EXPECT_EQ(fields.size(), 1u) << "as long as it is when it is packed";
  add_forward_field(fields, "short", "still");
  EXPECT_EQ(fields.size(), 2u);
}

TEST(ForwardFields, AsManyAsFit) {
  const Fields fields = {{"a", std::string(20, 'a')}, {"b", std::string(50, 'b')}, {"c", "c"}};
  EXPECT_EQ(encode_forward(fields, 32), base64_encode("a=" + fields[0].value));
  EXPECT_EQ(encode_forward(fields, 36), base64_encode("a=" + fields[0].value + "\tc=c"));
  EXPECT_EQ(encode_forward(fields, 0), "");
}

}  // namespace
}  // namespace postigo
