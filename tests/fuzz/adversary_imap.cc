// An attacker who knows the grammar: sessions made of what filters and servers were seen to read differently, against
// the oracles of imap_relay.h. No coverage feedback, but millions of sessions a minute.
//
//   adversary_imap [--executions N] [--seed S]      a session that breaks an oracle is printed before the program
//   aborts
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/fuzz/imap_relay.h"

namespace {

using namespace std::string_view_literals;
using postigo::fuzz::Decisions;

template <size_t N>
std::string_view pick(Decisions& decisions, const std::array<std::string_view, N>& from) {
  return from[decisions.below(N)];
}

constexpr std::array kTags = {"a"sv, "b"sv, "a1"sv,  "+"sv,     "+x"sv,  "*"sv,  "DONE"sv, "PSTG1"sv, "PSTG2"sv,
                              ""sv,  " "sv, "{3}"sv, "\"x\""sv, "a\0"sv, "a]"sv, "(a"sv,   "OK"sv};
constexpr std::array kVerbs = {"NOOP"sv,   "APPEND"sv, "APPEND"sv, "IDLE"sv,   "IDLE"sv,     "UNAUTHENTICATE"sv,
                               "LOGIN"sv,  "STATUS"sv, "SELECT"sv, "SEARCH"sv, "COMPRESS"sv, "AUTHENTICATE"sv,
                               "UID"sv,    "FETCH"sv,  "XFOO"sv,   "ID"sv,     "STARTTLS"sv, "SETMETADATA"sv,
                               "REPLACE"sv};
constexpr std::array kWords = {"INBOX"sv,
                               "x"sv,
                               "\""sv,
                               "\"x\""sv,
                               "\"a\\\"b\""sv,
                               "("sv,
                               ")"sv,
                               "(\\Seen)"sv,
                               "\\"sv,
                               "*"sv,
                               "%"sv,
                               "\r"sv,
                               "\t"sv,
                               "\0"sv,
                               "\xfc"sv,
                               "{"sv,
                               "}"sv,
                               "{3}x"sv,
                               "{3"sv,
                               "~"sv,
                               "[x ("sv,
                               "DEFLATE"sv,
                               "a b"sv,
                               "LOGIN"sv,
                               "b UNAUTHENTICATE"sv,
                               "b COMPRESS DEFLATE"sv,
                               "b LOGIN x y"sv,
                               "{00000000000000000000000000000000000000000000000000000000000003}"sv};
constexpr std::array kAnnouncements = {"{0}"sv,
                                       "{1}"sv,
                                       "{3}"sv,
                                       "{17}"sv,
                                       "{40}"sv,
                                       "{0+}"sv,
                                       "{1+}"sv,
                                       "{3+}"sv,
                                       "{18+}"sv,
                                       "{41+}"sv,
                                       "~{5}"sv,
                                       "~{9+}"sv,
                                       "{200}"sv,
                                       "{x}"sv,
                                       "{3-}"sv,
                                       "{4294967299}"sv,
                                       "{18446744073709551619}"sv,
                                       "{2147483647+}"sv};
constexpr std::array kEnds = {"\r\n"sv, "\r\n"sv, "\r\n"sv, "\n"sv, "\r"sv, "\r\r\n"sv, " \r\n"sv};
constexpr std::array kLines = {"DONE\r\n"sv,
                               "DONE\n"sv,
                               "\r\n"sv,
                               "b UNAUTHENTICATE\r\n"sv,
                               " UNAUTHENTICATE\r\n"sv,
                               "b LOGIN x y\r\n"sv,
                               "+ NO\r\n"sv,
                               "UNAUTHENTICATE\r\n"sv,
                               "a IDLE\r\n"sv,
                               "PSTG1\r\n"sv,
                               "PSTG2\r\n"sv,
                               "PSTG3\r\n"sv,
                               "a NOOP\r\n"sv,
                               "DONE x\r\n"sv,
                               "x"sv};

std::string line(Decisions& decisions) {
  if (decisions.below(4) == 0) return std::string(pick(decisions, kLines));
  std::string text(pick(decisions, kTags));
  text += decisions.below(12) == 0 ? "  " : " ";
  text += pick(decisions, kVerbs);
  for (size_t words = decisions.below(4); words > 0; --words) {
    if (decisions.below(6) != 0) text += ' ';
    text += pick(decisions, kWords);
  }
  if (decisions.yes()) {
    if (decisions.below(6) != 0) text += ' ';
    text += pick(decisions, kAnnouncements);
  }
  return text + std::string(pick(decisions, kEnds));
}

std::string g_session;

void show(int) {
  std::fputs("session:", stderr);
  for (char c : g_session) {
    std::fprintf(stderr, c > 0x20 && c < 0x7f && c != '\\' ? "%c" : "\\x%02x", static_cast<unsigned char>(c));
  }
  std::fputs("\n", stderr);
  std::signal(SIGABRT, SIG_DFL);
  std::abort();
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t executions = 100'000;
  uint64_t seed = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string_view option = argv[i];
    if (option == "--executions") executions = std::strtoull(argv[i + 1], nullptr, 10);
    if (option == "--seed") seed = std::strtoull(argv[i + 1], nullptr, 10);
  }
  std::signal(SIGABRT, show);
  for (uint64_t n = 0; n < executions; ++n) {
    Decisions decisions(seed * 0x100000001 + n);
    g_session.clear();
    for (size_t lines = decisions.below(6) + 1; lines > 0; --lines) g_session += line(decisions);
    auto moods = static_cast<uint8_t>(decisions.below(256));
    uint64_t relay_seed = decisions.below(1 << 30);
    postigo::fuzz::ImapRelay(moods, relay_seed).run(g_session);
  }
  std::printf("%llu sessions, seed %llu: no forbidden verb was run, no list passed, nobody hung\n",
              static_cast<unsigned long long>(executions), static_cast<unsigned long long>(seed));
  return 0;
}
