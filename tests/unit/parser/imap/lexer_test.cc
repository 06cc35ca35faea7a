// The IMAP lexer: tags, atoms, quoted strings, literals, after the grammar of RFC 9051 9.
#include "parser/imap/lexer.h"

#include <gtest/gtest.h>

#include "parser/imap/client_id.h"
#include "parser/imap/verbs.h"

namespace postigo::imap {
namespace {

std::string astring(Bytes text, Bytes rest = "") {
  Lexer lexer(text);
  Secret value;
  if (!lexer.astring(value)) return "(none)";
  EXPECT_EQ(lexer.rest(), rest);
  return std::string(value.reveal());
}

TEST(Lexer, T5_StringsInAllForms) {
  EXPECT_EQ(astring("atom rest", " rest"), "atom");
  EXPECT_EQ(astring("a\\b"), "a\\b");
  EXPECT_EQ(astring("\"a\\\\b\\\"c\" x", " x"), "a\\b\"c");
  EXPECT_EQ(astring("\"\""), "");
  EXPECT_EQ(astring("{3}\r\na\\b y", " y"), "a\\b");
  EXPECT_EQ(astring("{3+}\n\"\r\n"), "\"\r\n");
  EXPECT_EQ(astring("{0}\r\n"), "");
  for (Bytes text : {"", " x", "(x", "\"open", "\"bad\\escape\"", "{3}", "{3}\r\nab", "{4294967299}\r\nabc", "{3} x",
                     "{3}{3}\r\nabc", "{99999999999999999999}\r\nabc"}) {
    EXPECT_EQ(astring(text, text), "(none)") << text;
  }
}

TEST(Lexer, T9_Heads) {
  CommandHead head;
  ASSERT_TRUE(parse_head("a]1 LOGIN x", head));
  EXPECT_EQ(head.tag, "a]1");
  EXPECT_EQ(head.verb, "LOGIN");
  EXPECT_EQ(head.rest, " x");
  for (Bytes line : {"", "a", "a ", " a b", "a  b", "a b(", "+ b", "a+ b", "a* b", "a% b", "a\\ b", "\"a\" b", "a{ b",
                     "a /", "a\tb"}) {
    EXPECT_FALSE(parse_head(line, head)) << line;
  }
}

TEST(Verbs, Lookup) {
  for (size_t i = 0; i + 1 < kVerbs.size(); ++i) {
    EXPECT_EQ(verb_index(kVerbs[i]), i);
    EXPECT_EQ(verb_index(lower(kVerbs[i])), i);
  }
  EXPECT_EQ(verb_index("other"), kVerbOther);
  EXPECT_EQ(verb_index("ZZZ"), kVerbOther);
  EXPECT_EQ(verb_index(""), kVerbOther);
}

std::string pairs_of(const std::string& arguments) {
  std::string pairs;
  std::optional<unsigned> hops_left;
  return parse_client_id(arguments, pairs, hops_left) ? pairs : "(bad)";
}

TEST(ClientId, A4_A28_WhatABackendWouldBelieveIsDropped) {
  EXPECT_EQ(pairs_of(" (\"name\" \"Mutt\" \"x-originating-ip\" \"127.0.0.1\" \"X-Session-Id\" \"1\" \"os\" \"x\")"),
            "\"name\" \"Mutt\" \"os\" \"x\"");
  EXPECT_EQ(pairs_of(" (\" x-connected-ip\" \"1\" \"\" \"2\" \"a\\\"b\" \"3\")"), "");
  EXPECT_EQ(pairs_of(" (\"name\" \"quote \\\" backslash \\\\\")"), "\"name\" \"quote \\\" backslash \\\\\"");
  EXPECT_EQ(pairs_of(" (\"name\" {5+}\r\na\r\nb) \"x\" \"y\")"), "\"x\" \"y\"");
  EXPECT_EQ(pairs_of(" (\"name\" {4+}\r\na\r\nb \"os\" \"y\")"), "\"os\" \"y\"") << "a line end in a value";
  EXPECT_EQ(pairs_of(" (\"name\" \"\xc3\xa4\" \"os\" NIL)"), "");
}

TEST(ClientId, T11_LongButBounded) {
  std::string arguments = " (";
  for (int i = 0; i < 30; ++i) {
    std::string key = "field" + std::to_string(i);
    arguments += "\"" + key + "\" \"" + std::string(1000, 'v') + "\" ";
  }
  std::string pairs = pairs_of(arguments + ")");
  EXPECT_LE(pairs.size(), 4096u);
  EXPECT_TRUE(pairs.starts_with("\"field0\" \"vvv"));
  EXPECT_EQ(pairs_of(" (\"k\" \"" + std::string(1025, 'v') + "\" \"" + std::string(31, 'k') + "\" \"v\")"), "");
}

}  // namespace
}  // namespace postigo::imap
